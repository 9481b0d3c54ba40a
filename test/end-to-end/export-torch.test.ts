/** @file `export --target torch`: what it writes and refuses, and that torchrun trains it to our losses. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Value } from "../../compiler/ir/graph.js";
import { modelFile } from "../../models/file.js";
import { buildGpt, DEMO_GPT, GPT_LOSS } from "../../models/gpt.js";
import { ModelBuilder } from "../../models/model.js";
import { buildResnet, RESNET_LOSS } from "../../models/resnet.js";
import { docsModel } from "../support/docs-folder.js";
import type { NpyArray } from "../support/npz.js";
import { npz } from "../support/npz.js";
import { pipewright } from "../support/shell.js";
import { PYTHON, sayMissing, torchVersion } from "../support/torch.js";

const { version, missing } = torchVersion("onnx", "numpy");
sayMissing(missing, "exported plans in PyTorch");

const folder = mkdtempSync(join(tmpdir(), "pipewright-export-torch-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const MICROBATCHES = 4;
const STEPS = 3;

/** Plans a model and exports it; gives the text of `export`. */
async function exported(name: string, model: Uint8Array, words: readonly string[]): Promise<string> {
  writeFileSync(at(`${name}.onnx`), model);
  const size = ["--devices", "2", "-m", String(MICROBATCHES), "--analytic", "--optimizer", "sgd:lr=0.05,momentum=0.9"];
  const planned = await pipewright(["partition", at(`${name}.onnx`), ...size, ...words, "-o", at(name), "-q"]);
  if (planned.exitCode !== 0) throw new Error(planned.stderr);
  const { stdout, stderr } = await pipewright(["export", at(name), "--target", "torch", "-o", at(`${name}-torch`)]);
  return stdout + stderr;
}

/** The stages of an exported plan. */
function stagesOf(name: string) {
  return (
    JSON.parse(readFileSync(at(`${name}-torch/pipeline.json`), "utf8")) as {
      stages: readonly { sends: readonly { name: string; dtype: string; holds?: string }[] }[];
    }
  ).stages;
}

describe("export --target torch", () => {
  it("writes stages, schedule, weights and a program", async () => {
    const words = ["--bind", "batch=4", "--loss", "softmax-cross-entropy:logits=labels", "--schedule", "1f1b"];
    const text = await exported("perceptron", docsModel(), words);
    expect(text).toContain("next: torchrun --nproc-per-node 2 ");
    expect(readdirSync(at("perceptron-torch"), { recursive: true }).sort()).toEqual([
      "onnx_operators.py",
      "onnx_stage.py",
      "pipeline.json",
      "schedule.csv",
      "stages",
      "stages/0.onnx",
      "stages/1.onnx",
      "train.py",
      "weights.safetensors",
    ]);
    const { stages } = JSON.parse(readFileSync(at("perceptron-torch/pipeline.json"), "utf8")) as {
      stages: readonly { sends: readonly { name: string }[]; receives: readonly { name: string }[]; loss?: string }[];
    };
    expect(stages[0]!.sends).toEqual(stages[1]!.receives);
    expect([stages[0]!.receives, stages[1]!.sends, stages[1]!.loss]).toEqual([[], [], "loss/result"]);
  });

  it("sends truth values as numbers", async () => {
    await exported("masked", maskedModel(), ["--loss", "mse:logits=wanted", "--pin", "first.*=0,second.*=1"]);
    expect(stagesOf("masked")[0]!.sends).toContainEqual({
      name: "first.mask",
      shape: [4, 8],
      dtype: "float32",
      holds: "bool",
    });
  });

  it.each([
    [["--schedule", "dualpipe"], "2 copies of the model (PyTorch runs one)"],
    [["--schedule", "1f1b", "--clip-norm", "1"], "clipped gradients; write them into train.py"],
  ])("refuses %j with the reason", async (words, reason) => {
    const text = await exported("refused", docsModel(), ["--bind", "batch=4", "--loss", "mse", ...words]);
    expect(text).toContain(reason);
  });
});

/** A mask of the first stage, made of activations, chooses in the second: a truth value goes from stage to stage. */
function maskedModel(): Uint8Array {
  const model = new ModelBuilder(3);
  const node = (
    op: "Greater" | "MatMul" | "Neg" | "Where",
    name: string,
    inputs: readonly Value[],
    outputs = [name],
  ): Value => model.graph.node(op, inputs, {}, { name, outputs }).outputs[0]!;
  const x = model.graph.input("x", { dtype: "float32", shape: [4, 8] });
  const first = node("MatMul", "first.product", [x, model.param("first.weight", [8, 8], { deviation: 0.5 })]);
  const zero = model.param("first.zero", [8], { constant: 0 });
  const mask = node("Greater", "first.mask", [first, zero]);
  const chosen = node("Where", "second.choice", [mask, first, node("Neg", "second.other", [first])]);
  const weight = model.param("second.weight", [8, 4], { deviation: 0.5 });
  return modelFile(model.build("masked", [node("MatMul", "second.product", [chosen, weight], ["logits"])]));
}

const float = (shape: readonly number[], value: (at: number) => number): NpyArray => {
  const elements = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, place) => value(place));
  return { descr: "<f4", shape, bytes: new Uint8Array(elements.buffer) };
};
const whole = (shape: readonly number[], value: (at: number) => number): NpyArray => {
  const elements = BigInt64Array.from({ length: shape.reduce((a, b) => a * b) }, (_, place) => BigInt(value(place)));
  return { descr: "<i8", shape, bytes: new Uint8Array(elements.buffer) };
};

describe.skipIf(missing !== undefined)(`on two Gloo ranks of torch ${version ?? "(missing)"}`, () => {
  const gpt = { ...DEMO_GPT, layers: 2, seed: 1 };
  const tokens = [STEPS * MICROBATCHES * gpt.batch, gpt.sequence];
  const resnet = { batch: 4, image: 8, channels: 4, groups: 2, blocks: 1, classes: 5 };
  const images = STEPS * MICROBATCHES * resnet.batch;
  it.each([
    [
      "gpt, zb-h1",
      modelFile(buildGpt(gpt)),
      ["--loss", GPT_LOSS, "--schedule", "zb-h1"],
      { tokens: whole(tokens, (n) => (n * 7) % 31), labels: whole(tokens, (n) => (n * 5) % 31) },
    ],
    [
      "resnet, interleaved-1f1b",
      modelFile(buildResnet(resnet)),
      ["--loss", RESNET_LOSS, "--schedule", "interleaved-1f1b", "--stages-per-device", "2"],
      {
        image: float([images, 3, 8, 8], (n) => Math.sin(n * 0.7)),
        labels: whole([images], (n) => n % 5),
      },
    ],
    [
      "gpt-tied, 1f1b",
      modelFile(buildGpt({ ...gpt, tied: true })),
      ["--loss", GPT_LOSS, "--schedule", "1f1b"],
      { tokens: whole(tokens, (n) => (n * 7) % 31), labels: whole(tokens, (n) => (n * 5) % 31) },
    ],
    [
      "masked, gpipe",
      maskedModel(),
      ["--loss", "mse:logits=wanted", "--schedule", "gpipe", "--pin", "first.*=0,second.*=1"],
      {
        x: float([STEPS * MICROBATCHES * 4, 8], (n) => Math.sin(n * 1.3)),
        wanted: float([STEPS * MICROBATCHES * 4, 4], (n) => Math.cos(n)),
      },
    ],
  ] as const)("%s has the losses of our own run", async (label, model, words, arrays) => {
    const name = label.split(",")[0]!;
    await exported(name, model, words);
    writeFileSync(at(`${name}.npz`), npz(arrays));
    const run = ["--data", at(`${name}.npz`), "--steps", String(STEPS)];
    const program = [
      "-m",
      "torch.distributed.run",
      "--standalone",
      "--nproc-per-node",
      "2",
      at(`${name}-torch/train.py`),
    ];
    const output = execFileSync(PYTHON, [...program, ...run], {
      encoding: "utf8",
      env: { ...process.env, OMP_NUM_THREADS: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const theirs = output.match(/^\{.*\}$/gm)!.map((line) => (JSON.parse(line) as { loss: number }).loss);
    const trained = await pipewright(["train", at(name), ...run, "--no-shuffle", "--json", "-q"]);
    const { losses } = JSON.parse(trained.stdout) as { losses: readonly number[] };
    expect(theirs.length).toBe(STEPS);
    for (const [step, loss] of losses.entries()) expect(Math.abs(theirs[step]! / loss - 1)).toBeLessThan(1e-5);
  });
});
