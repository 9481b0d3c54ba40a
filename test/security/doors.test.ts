/** @file One loader for every door: a bad model is refused by each command, and by the library, with the same words. */
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../compiler/errors.js";
import { literalOf } from "../../compiler/ir/literal.js";
import { encodeModel } from "../../compiler/onnx/codec.js";
import { bytesField } from "../../compiler/onnx/wire.js";
import { loadModel } from "../../runtime/model-file.js";
import { doubling } from "../../scripts/bad/limit-cases.js";
import { briefGraph, modelBytes } from "../support/proto-model.js";
import { pipewright } from "../support/shell.js";
import type { SimulatedEnv } from "../support/simulated-env.js";
import { simulatedEnv } from "../support/simulated-env.js";

const MODEL = "/in/m.onnx";
const PLANNED = ["--analytic", "--devices", "2", "--data", "synthetic", "--steps", "1", "-o", "/out/out.onnx"];
const DOORS: readonly (readonly string[])[] = [
  ["inspect", MODEL],
  ["inspect", MODEL, "--loss", "mse"],
  ["profile", MODEL, "--analytic", "-o", "/out/costs.json"],
  ["profile", MODEL, "-o", "/out/costs.json"],
  ["partition", MODEL, "--analytic", "--devices", "2", "-o", "/out/plan"],
  ["partition", MODEL, "--analytic", "--devices", "2", "--batch", "4", "--microbatches", "2", "-o", "/out/plan"],
  ["train", MODEL, ...PLANNED],
  ["train", MODEL, ...PLANNED, "--resume", "auto", "--checkpoint-dir", "/out/run"],
];

const inputs = { x: "float32[2,4]" };
const weight = { w: literalOf("float32", [4, 3], new Array<number>(12).fill(1)) };
const relu = { op: "Relu", inputs: ["x"], outputs: ["y"], name: "act" };
const flood = (field: number): Uint8Array =>
  bytesField(
    7,
    new Uint8Array(2_000_004).map((_, at) => (at % 2 === 0 ? 8 * field + 2 : 0)),
  );
const deep = Array.from({ length: 120 }).reduce<Uint8Array>(
  (inner) => bytesField(1, bytesField(5, bytesField(6, inner))),
  new Uint8Array(),
);
/** A model with a weight in another file. */
const external = (entries: Readonly<Record<string, string>>): Uint8Array => {
  const graph = briefGraph({ nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }], inputs, outputs: ["y"] });
  const external_data = Object.entries(entries).map(([key, value]) => ({ key, value }));
  const initializer = [{ name: "w", data_type: 1, dims: [4, 3], data_location: 1, external_data }];
  return encodeModel({ ir_version: 8, opset_import: [{ domain: "", version: 21 }], graph: { ...graph, initializer } });
};

const BAD: readonly (readonly [what: string, code: number, bytes: Uint8Array, reason: RegExp])[] = [
  ["is empty", 3, new Uint8Array(), /the file is empty/],
  ["is text", 3, new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), /Git LFS/],
  ["is cut", 3, modelBytes({ nodes: [relu], inputs, outputs: ["y"] }).subarray(0, 40), /at byte/],
  ["is a flood of nodes", 5, flood(1), /number of nodes is over the limit/],
  ["is nested 360 deep", 5, bytesField(7, deep), /nesting of graph\.node\[0\]/],
  ["is a bomb of functions", 5, doubling(40), /number of nodes that inlining functions adds/],
  ["has a cycle", 3, modelBytes({ nodes: [{ ...relu, inputs: ["y"] }], inputs, outputs: ["y"] }), /act/],
  [
    "has an unknown operator",
    4,
    modelBytes({ nodes: [{ ...relu, op: "Rely" }], inputs, outputs: ["y"] }),
    /act \(Rely\)/,
  ],
  [
    "has shapes that do not fit",
    3,
    modelBytes({
      nodes: [{ op: "MatMul", inputs: ["w", "x"], outputs: ["y"], name: "mm" }],
      inputs,
      outputs: ["y"],
      initializers: weight,
    }),
    /node mm \(MatMul\)/,
  ],
  [
    "asks for 2^40 elements",
    5,
    modelBytes({
      nodes: [{ op: "ConstantOfShape", inputs: ["k"], outputs: ["y"], name: "fill" }],
      inputs,
      outputs: ["y"],
      initializers: { k: literalOf("int64", [1], [2 ** 40]) },
    }),
    /fill/,
  ],
  ["has data that lead out", 3, external({ location: "../secret.bin", length: "48" }), /"\.\.\/secret\.bin"/],
  ["has data that are not there", 6, external({ location: "none.bin", length: "48" }), /none\.bin/],
  ["has data at a place that is no number", 3, external({ location: "w.bin", offset: "0x10" }), /offset.*"0x10"/],
  ["has data shorter than the tensor", 3, external({ location: "w.bin", length: "48" }), /the file ends early/],
];

async function withModel(bytes: Uint8Array): Promise<SimulatedEnv> {
  const env = simulatedEnv();
  for (const path of ["/in", "/out"]) await env.files.makeDirectory(path);
  await env.files.writeAtomic(MODEL, bytes);
  await env.files.writeAtomic("/in/w.bin", new Uint8Array(20));
  await env.files.writeAtomic("/secret.bin", new Uint8Array(48));
  return env;
}

describe("a model that", () => {
  it.each(BAD)("%s is refused in the same words at every door", async (_, code, bytes, reason) => {
    const env = await withModel(bytes);
    const library: unknown = await loadModel(env, MODEL).catch((error: unknown) => error);
    expect(library).toBeInstanceOf(PipewrightError);
    const { message, exitCode } = library as PipewrightError;
    expect([exitCode, message]).toEqual([code, expect.stringMatching(reason)]);
    env.disk.setFault();
    // The bomb has one sample, so that two of a microbatch do not fit, which is told first.
    for (const words of DOORS.filter((door) => !(door.includes("--batch") && reason.source.includes("inlining")))) {
      const run = await pipewright([...words, "-q"], { makeEnv: () => Promise.resolve(env) });
      expect([run.exitCode, run.stderr], words.join(" ")).toEqual([code, `error: ${message}\n`]);
    }
    expect(await env.files.list("/out")).toEqual([]);
    expect(await env.files.list("/in")).toEqual(["m.onnx", "w.bin"]);
    expect(env.disk.operations.filter((operation) => operation.includes("secret"))).toEqual([]);
  });
});
