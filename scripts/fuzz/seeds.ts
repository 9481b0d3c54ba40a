/** @file Small models to start from, made in code, so that fuzzing needs no files. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { literalOf } from "../../compiler/ir/literal.js";
import { modelFile } from "../../models/file.js";
import { buildMlp } from "../../models/mlp.js";
import type { BriefModel } from "../../test/support/proto-model.js";
import { briefGraph, modelBytes } from "../../test/support/proto-model.js";

const ints = (...numbers: readonly number[]) => literalOf("int64", [numbers.length], numbers);
const weight = (...shape: readonly number[]) =>
  literalOf(
    "float32",
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => at / 7),
  );
const inner = briefGraph({ nodes: [{ op: "Relu", inputs: ["x"], outputs: ["z"] }], outputs: ["z"] });

/** Shape arithmetic, convolution, control flow, normalisation, recurrence. */
const MODELS: readonly BriefModel[] = [
  {
    nodes: [
      { op: "Shape", inputs: ["x"], outputs: ["s"] },
      { op: "Concat", inputs: ["s", "k"], outputs: ["t"], attrs: { axis: 0 } },
      { op: "Reshape", inputs: ["x", "t"], outputs: ["r"] },
      { op: "Slice", inputs: ["r", "a", "b"], outputs: ["y"] },
    ],
    inputs: { x: "float32[2,3]" },
    outputs: ["y"],
    initializers: { k: ints(1), a: ints(0, 0, 0), b: ints(2, 2, 1) },
  },
  {
    nodes: [
      { op: "Conv", inputs: ["x", "w"], outputs: ["c"], attrs: { pads: [1, 1, 1, 1], strides: [2, 2] } },
      { op: "MaxPool", inputs: ["c"], outputs: ["p"], attrs: { kernel_shape: [2, 2] } },
      { op: "Flatten", inputs: ["p"], outputs: ["f"] },
      { op: "Softmax", inputs: ["f"], outputs: ["y"], attrs: { axis: -1 } },
    ],
    inputs: { x: "float32[1,3,8,8]" },
    outputs: ["y"],
    initializers: { w: weight(4, 3, 3, 3) },
  },
  {
    nodes: [
      {
        op: "If",
        inputs: ["c"],
        outputs: ["i"],
        attrs: { then_branch: { graph: inner }, else_branch: { graph: inner } },
      },
      { op: "Tile", inputs: ["i", "n"], outputs: ["t"] },
      { op: "ReduceSum", inputs: ["t", "n"], outputs: ["y"], attrs: { keepdims: 0 } },
    ],
    inputs: { x: "float32[2,2]" },
    outputs: ["y"],
    initializers: { c: literalOf("bool", [], [1]), n: ints(1, 0) },
  },
  {
    nodes: [{ op: "LSTM", inputs: ["x", "w", "r"], outputs: ["y"], attrs: { hidden_size: 2 } }],
    inputs: { x: "float32[3,1,2]" },
    outputs: ["y"],
    initializers: { w: weight(1, 8, 2), r: weight(1, 8, 2) },
  },
];

/** Writes the models into a folder. */
export function writeSeeds(folder: string): void {
  for (const [at, model] of MODELS.entries()) writeFileSync(join(folder, `seed-${at}.onnx`), modelBytes(model));
  writeFileSync(join(folder, "mlp.onnx"), modelFile(buildMlp({ batch: 2, inputs: 4, widths: [4], classes: 3 })));
}
