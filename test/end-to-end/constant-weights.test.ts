/** @file Weights that are Constant nodes: they train where they have names, and are listed where they do not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { decodeModel } from "../../compiler/onnx/codec.js";
import type { BriefNode } from "../support/proto-model.js";
import { modelBytes } from "../support/proto-model.js";
import { pipewright } from "../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-constant-weights-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const listed = (output: string): BriefNode => {
  const attrs = { value_floats: { floats: [1, 2, 3] } };
  return { op: "Constant", inputs: [], outputs: [output], attrs };
};

it("train and are written back, or are named by inspect", async () => {
  const model = modelBytes({
    nodes: [
      listed("scale"),
      listed("/Constant_output_0"),
      { op: "Transpose", inputs: ["scale"], outputs: ["turned"] },
      { op: "Mul", inputs: ["x", "turned"], outputs: ["h"] },
      { op: "Add", inputs: ["h", "/Constant_output_0"], outputs: ["y"] },
    ],
    inputs: { x: "float32[2,3]" },
    outputs: ["y"],
  });
  writeFileSync(at("model.onnx"), model);
  const { stdout } = await pipewright(["inspect", at("model.onnx")]);
  expect(stdout.replace(/\s+/g, " ")).toContain(
    "note constants that do not train, though they stand where weights do (1): /Constant_output_0",
  );
  const { stdout: json } = await pipewright(["inspect", at("model.onnx"), "--json"]);
  expect(JSON.parse(json)).toMatchObject({ parameters: 3, constants: ["/Constant_output_0"] });
  const options = ["--loss", "mse", "--devices", "1", "--analytic", "--optimizer", "sgd:lr=0.1"];
  const words = ["train", at("model.onnx"), ...options, "--data", "synthetic", "--steps", "1"];
  const { exitCode, stderr } = await pipewright([...words, "-o", at("trained.onnx")]);
  expect(exitCode, stderr).toBe(0);
  const [scale, offset] = decodeModel(new Uint8Array(readFileSync(at("trained.onnx")))).graph!.node!;
  const numbersOf = (node: typeof scale) => [...node!.attribute![0]!.floats!];
  expect(numbersOf(scale)).toHaveLength(3);
  expect(numbersOf(scale)).not.toEqual([1, 2, 3]);
  expect(numbersOf(offset)).toEqual([1, 2, 3]);
});
