import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeModel } from "../../compiler/onnx/codec.js";
import { modelFile } from "../../models/file.js";
import { buildMlp, MLP_LOSS } from "../../models/mlp.js";
import { COMMANDS } from "../../runtime/cli/commands/table.js";
import { pipewright } from "../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-tools-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

async function output(...words: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await pipewright(words);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
  return stdout;
}
const json = async (...words: readonly string[]) =>
  JSON.parse(await output(...words, "--json")) as Record<string, never>;

beforeAll(async () => {
  writeFileSync(at("model.onnx"), modelFile(buildMlp({ batch: 4, inputs: 8, widths: [64, 64, 64], classes: 4 })));
  const plan = [
    "partition",
    at("model.onnx"),
    "--loss",
    MLP_LOSS,
    "--analytic",
    "--microbatches",
    "4",
    "--link",
    "1000GB/s,1ns",
  ];
  await output(...plan, "--schedule", "1f1b", "-o", at("a"));
  await output(...plan, "--schedule", "gpipe", "-o", at("b"));
  await output("train", at("a"), "--data", "synthetic", "--steps", "3");
});

describe("report", () => {
  it("is written by train, and again on request", async () => {
    for (const name of ["report.html", "run.json", "trace.json", "search.json", "blocks.json"])
      expect(existsSync(at(`a/${name}`))).toBe(true);
    const { bytes } = await json("report", at("a"), "-o", at("page.html"));
    expect(readFileSync(at("page.html")).length).toBe(bytes);
    expect(bytes).toBeLessThan(1e6);
    expect(readFileSync(at("page.html"), "utf8")).toBe(readFileSync(at("a/report.html"), "utf8"));
    await output("report", at("b"));
    expect(readFileSync(at("b/report.html"), "utf8")).toContain("There is no run of this plan yet.");
  });

  it("refuses a run of another plan, and a run that is none", async () => {
    writeFileSync(at("b/run.json"), readFileSync(at("a/run.json")));
    const foreign = await pipewright(["report", at("b")]);
    expect([foreign.exitCode, foreign.stderr]).toEqual([
      8,
      `error: ${at("b/run.json")}: it is of another plan. Remove the file, or make it again.\n`,
    ]);
    writeFileSync(at("b/run.json"), '{"version":2}');
    const broken = await pipewright(["report", at("b")]);
    expect([broken.exitCode, broken.stderr]).toEqual([
      8,
      `error: ${at("b/run.json")}: version: Invalid input: expected 1. Remove the file, or make it again.\n`,
    ]);
    rmSync(at("b/run.json"));
  });
});

describe("two copies of the model", () => {
  it("make a plan that is simulated, verified bit for bit, and trained", async () => {
    const words = ["--loss", MLP_LOSS, "--analytic", "--devices", "2", "--microbatches", "4"];
    await output("partition", at("model.onnx"), ...words, "--schedule", "chimera", "-o", at("copies"));
    const { equal, tensors } = await json("verify", at("copies"));
    expect([equal, Number(tensors) > 10]).toEqual([true, true]);
    const { makespanMs } = await json("simulate", at("copies"));
    expect(makespanMs).toBeGreaterThan(0);
    await output("train", at("copies"), "--data", "synthetic", "--steps", "2");
  });
});

describe("compare", () => {
  it("puts two plans side by side", async () => {
    const { a, b } = (await json("compare", at("a"), at("b"))) as Record<string, Record<string, unknown>>;
    expect([a!.schedule, b!.schedule]).toEqual(["1f1b", "gpipe"]);
    expect(a!.measuredStepMs).toBeGreaterThan(0);
    expect(b!.measuredStepMs).toBeNull();
    expect(b!.peakBytes).toBeGreaterThan(a!.peakBytes as number);
    const text = await output("compare", at("a"), at("b"));
    expect(text).toMatch(/^step, measured +[\d.]+ m?s +no run$/m);
    expect(text).toMatch(
      /\/b takes [\d.]+ % (more|less) time per step than \S+\/a, as predicted\nnext: pipewright report /,
    );
  });
});

describe("export --target onnx", () => {
  it("marks every node with its stage, in order along the data, and keeps the rest", async () => {
    const { nodes } = (await json("export", at("a"), "--target", "onnx", "-o", at("staged"))) as unknown as {
      nodes: number[];
    };
    const before = decodeModel(readFileSync(at("model.onnx"))).graph!;
    const { graph, configuration } = decodeModel(readFileSync(at("staged/model.onnx")));
    expect(configuration).toMatchObject([{ name: "pipewright", num_devices: 2, device: ["cpu0", "cpu1"] }]);
    expect(graph!.initializer).toEqual(before.initializer);
    expect(graph!.node!.map(({ name, output }) => [name, output])).toEqual(
      before.node!.map(({ name, output }) => [name, output]),
    );
    const maker = new Map<string, number>();
    const counts = [0, 0];
    for (const { input = [], output: made = [], device_configurations } of graph!.node!) {
      const stage = device_configurations![0]!.pipeline_stage!;
      counts[stage]!++;
      for (const name of input) expect(maker.get(name) ?? 0).toBeLessThanOrEqual(stage);
      for (const name of made) maker.set(name, stage);
    }
    expect(counts).toEqual(nodes);
    expect(counts.every((count) => count > 0)).toBe(true);
    expect(existsSync(at("staged/stages/1.forward.onnx"))).toBe(true);
  });

  it("asks for a target and an empty directory", async () => {
    const { exitCode, stderr } = await pipewright(["export", at("a")]);
    expect([exitCode, stderr]).toEqual([
      2,
      "error: --target: it is missing; expected onnx or torch. Say what the files are for.\n",
    ]);
    expect((await pipewright(["export", at("a"), "--target", "onnx", "-o", folder])).exitCode).toBe(2);
  });
});

describe("config", () => {
  it("says where each value came from, the strongest source first", async () => {
    writeFileSync(at("job.yaml"), "devices: 4\nmicrobatches: 8\nseed: 3\n");
    const { stdout } = await pipewright(
      ["config", "--config", at("job.yaml"), "--set", "microbatches=16", "--seed", "5", "--print"],
      { variables: { PIPEWRIGHT_DEVICES: "2" } },
    );
    const lines = stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(lines.filter(([, , from]) => from !== "default")).toEqual([
      ["flag", "value", "from"],
      ["devices", "2", "PIPEWRIGHT_DEVICES"],
      ["microbatches", "16", "--set microbatches"],
      ["seed", "5", "--seed"],
      [""],
    ]);
    expect(lines).toContainEqual(["schedule", "auto", "default"]);
    expect(await output("config", "--config", at("job.yaml"))).toBe("3 flags, all can be read\n");
  });

  it("refuses what no command could read", async () => {
    writeFileSync(at("bad.yaml"), "devices: none\n");
    expect((await pipewright(["config", "--config", at("bad.yaml")])).exitCode).toBe(2);
  });
});

describe("completion", () => {
  it.each(["bash", "zsh", "fish"])("names every command and flag: %s", async (shell) => {
    const script = await output("completion", shell);
    for (const { name } of COMMANDS) expect(script).toContain(name);
    for (const flag of ["stages-per-device", "json", "target"]) expect(script).toContain(flag);
  });

  it("completes in bash", async () => {
    const script = await output("completion", "bash");
    const ask = (...words: readonly string[]) =>
      execFileSync("bash", [
        "-c",
        `${script}\nCOMP_WORDS=(${words.join(" ")}) COMP_CWORD=${words.length - 1}\n_pipewright\necho "\${COMPREPLY[@]}"`,
      ])
        .toString()
        .trim();
    expect(ask("pipewright", "par")).toBe("partition");
    expect(ask("pipewright", "export", "--tar")).toBe("--target");
    expect(ask("pipewright", "partition", "--method", "s")).toBe("slicing smp");
    expect(ask("pipewright", "schedule", "-s", "zb")).toBe("zb-h1 zb-h2 zb-v");
    expect(ask("pipewright", "train", "--color", "a")).toBe("auto always");
  });

  it("knows no other shell", async () => {
    const { exitCode, stderr } = await pipewright(["completion", "tcsh"]);
    expect([exitCode, stderr]).toEqual([
      2,
      'error: completion: cannot write for "tcsh"; expected one of bash, zsh, fish.\n',
    ]);
  });
});
