import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelFile } from "../../models/file.js";
import { buildMlp, MLP_LOSS } from "../../models/mlp.js";
import { planDirectory } from "../../runtime/cli/commands/partition.js";
import { pipewright } from "../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-end-to-end-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

async function json<T>(words: readonly string[]): Promise<T> {
  const { exitCode, stdout, stderr } = await pipewright([...words, "--json"]);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

interface StageJson {
  readonly device: string;
  readonly nodes: number;
  readonly peakBytes: number;
}
interface PlanJson {
  readonly model: { readonly nodes: number; readonly blocks: number; readonly parameters: number };
  readonly profile: { readonly source: string };
  readonly partition: {
    readonly status: string;
    readonly bottleneckMs: number;
    readonly boundMs: number;
    readonly stages: readonly StageJson[];
  };
  readonly schedule: {
    readonly name: string;
    readonly makespanMs: number;
    readonly boundMs: number;
    readonly bubble: number;
  };
}
interface TrainJson {
  readonly steps: number;
  readonly losses: readonly number[];
  readonly finalLoss: number;
  readonly stepMs: { readonly predicted: number; readonly measured: number };
}
interface VerifyJson {
  readonly equal: boolean;
  readonly maxRelativeError: number;
  readonly tensors: number;
}

describe("demo", () => {
  it("plans, verifies and trains on two worker processes", async () => {
    type Demo = PlanJson & { readonly verify: VerifyJson; readonly train: TrainJson & { readonly floor: number } };
    const { exitCode, stdout, stderr } = await pipewright([
      "demo",
      "--steps",
      "25",
      "--out",
      at("demo"),
      "-q",
      "--json",
    ]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    const result = JSON.parse(stdout) as Demo;
    expect(result.model.nodes).toBeGreaterThanOrEqual(100);
    expect(result.profile.source).toBe("measured");
    expect(new Set(result.partition.stages.map(({ device }) => device)).size).toBe(2);
    expect(result.verify).toMatchObject({ equal: true, maxRelativeError: 0 });
    expect(result.verify.tensors).toBeGreaterThan(100);
    expect(result.train.steps).toBe(25);
    expect(result.train.finalLoss).toBeLessThan(0.8 * result.train.losses[0]!);
    expect(result.train.finalLoss).toBeGreaterThan(result.train.floor);
    expect(readdirSync(at("demo"))).toEqual(expect.arrayContaining(["plan.json", "trace.json", "trained.onnx"]));
  });
});

describe("a model of the user", () => {
  const model = at("model.onnx");
  const plan = at("plan");
  beforeAll(() => writeFileSync(model, modelFile(buildMlp({ batch: 4, inputs: 8, widths: [16, 16], classes: 4 }))));
  const planning = ["--loss", MLP_LOSS, "--devices", "2", "--microbatches", "4", "--optimizer", "sgd:lr=0.1"];

  it("is inspected", async () => {
    const result = await json<{ readonly nodes: number; readonly trainable: object }>([
      "inspect",
      model,
      "--loss",
      MLP_LOSS,
    ]);
    expect(result).toMatchObject({
      nodes: 7,
      parameters: 484,
      trainable: { ok: true, problem: null },
      unboundDims: [],
    });
  });

  it("is profiled, partitioned, simulated, verified and trained", async () => {
    const profile = at("profile.json");
    await json(["profile", model, "--loss", MLP_LOSS, "--repeat", "3", "-o", profile]);
    const planned = await json<PlanJson>(["partition", model, ...planning, "--profile", profile, "-o", plan]);
    expect(planned.partition.boundMs).toBeLessThanOrEqual(planned.partition.bottleneckMs);
    expect(planned.partition.stages.every(({ nodes }) => nodes > 0)).toBe(true);

    const trace = at("trace.json");
    const simulated = await json<{ readonly makespanMs: number; readonly bubble: number }>([
      "simulate",
      plan,
      "-o",
      trace,
    ]);
    expect(simulated.makespanMs).toBeCloseTo(planned.schedule.makespanMs, 9);
    expect(simulated.bubble).toBeCloseTo(planned.schedule.bubble, 9);
    expect(JSON.parse(readFileSync(trace, "utf8"))).toHaveProperty("traceEvents");

    expect(await json<VerifyJson>(["verify", plan])).toMatchObject({ equal: true, maxRelativeError: 0 });

    const csv = at("train.csv");
    const rows = Array.from({ length: 32 }, (_, row) => [
      ...Array.from({ length: 8 }, (_, x) => Number(x % 4 === row % 4)),
      row % 4,
    ]);
    writeFileSync(
      csv,
      `${Array.from({ length: 8 }, (_, x) => `x.${x}`).join(",")},labels\n${rows.map((row) => row.join(",")).join("\n")}\n`,
    );
    const trained = at("trained.onnx");
    const run = await json<TrainJson>(["train", plan, "--data", csv, "--steps", "30", "-o", trained]);
    expect(run.finalLoss).toBeLessThan(0.5 * run.losses[0]!);
    expect(await json(["inspect", trained])).toMatchObject({ nodes: 7, parameters: 484 });
  });

  it("is trained in one go, with its plan beside the result", async () => {
    const words = ["train", model, ...planning, "--analytic", "--data", "synthetic", "--steps", "2", "--json"];
    const before = readdirSync(folder);
    mkdirSync(at("results"));
    const first = await pipewright([...words, "-o", at("results/trained.onnx")]);
    const run = JSON.parse(first.stdout) as TrainJson;
    expect([run.steps, run.losses.length]).toEqual([2, 2]);
    expect(readdirSync(at("results")).sort()).toEqual(["model.plan", "trained.onnx"]);
    expect(readdirSync(folder).filter((name) => !before.includes(name))).toEqual(["results"]);
    expect(first.stderr).not.toContain("is replaced");
    const second = await pipewright([...words, "-o", at("results/trained.onnx")]);
    expect(second.stderr).toContain(`the plan that was in ${at("results/model.plan")} is replaced`);
  });

  it("has its plan in the current folder when nothing says where", () => {
    expect(planDirectory("models/mlp.onnx")).toBe("mlp.plan");
    expect(planDirectory("models/mlp.onnx", "trained.onnx")).toBe("mlp.plan");
  });

  it.each([
    [
      ["partition", "MODEL", "--loss", "mse:logit=t"],
      2,
      "loss: the model has no output logit; it has logits float32[4,4]. Did you mean logits?",
    ],
    [
      ["partition", "MODEL", "--loss", MLP_LOSS, "--devices", "99"],
      7,
      "partition: too few blocks; got 12 blocks for 99 stages. Use fewer stages.",
    ],
    [
      ["partition", "MODEL", "--loss", MLP_LOSS, "--devices", "2xcpu:1KiB", "--schedule", "1f1b"],
      7,
      "partition: no plan fits into memory; got a limit of 1024 bytes on a device, expected ",
    ],
    [["partition", "TEXT", "--loss", "mse"], 3, "model file: no ONNX model; this is a text file."],
    [
      ["train", "MODEL", "--loss", MLP_LOSS],
      2,
      "--data: it is missing; expected synthetic, FILE or INPUT=FILE. Say where the samples are.",
    ],
    [
      ["partition", "MODEL", "--loss", MLP_LOSS, "--devices", "1xcuda"],
      2,
      "--devices: no engine drives cuda here; expected cpu. Use cpu devices.",
    ],
  ] as const)("%j ends with %i and writes nothing", async (words, code, message) => {
    writeFileSync(at("text.onnx"), "no model\n");
    const before = readdirSync(folder);
    const named = words.map((word) => ({ MODEL: model, TEXT: at("text.onnx") })[word as "MODEL"] ?? word);
    const { exitCode, stderr } = await pipewright([
      ...named,
      "--analytic",
      ...(words[0] === "train" ? [] : ["-o", at("never")]),
    ]);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(code);
    expect(readdirSync(folder)).toEqual(before);
  });

  it("never replaces a directory that is no plan", async () => {
    const { exitCode, stderr } = await pipewright(["partition", model, ...planning, "--analytic", "-o", folder]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("the directory holds other files and no plan");
    expect(existsSync(model)).toBe(true);
  });
});
