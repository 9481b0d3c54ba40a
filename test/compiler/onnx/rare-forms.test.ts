/** @file Forms of operators that few exporters write, against ONNX Runtime's own, or against a form that equals them. */
import { afterAll, describe, expect, test } from "vitest";
import { elementCount, literalOf } from "../../../compiler/ir/literal.js";
import { exportGraph } from "../../../compiler/onnx/export.js";
import { importModel } from "../../../compiler/onnx/import.js";
import { bytesFromElements } from "../../../compiler/onnx/tensor-data.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { runOnce } from "../../../runtime/engine/run-once.js";
import { importDifference } from "../../support/import-oracle.js";
import type { BriefModel, BriefNode } from "../../support/proto-model.js";
import { briefGraph, importedNodes, modelBytes } from "../../support/proto-model.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

const spectrum = (length?: number): BriefModel => ({
  opset: 20,
  nodes: [{ op: "DFT", inputs: ["x", length ? "n" : "", "axis"], outputs: ["y"], attrs: { inverse: 1, onesided: 1 } }],
  inputs: { x: "float32[3,5,2]" },
  outputs: ["y"],
  initializers: {
    axis: literalOf("int64", [], [1]),
    ...(length ? { n: literalOf("int64", [], [length]) } : {}),
  },
});

const statistics = (shape: string, parameters: string): BriefModel => ({
  opset: 7,
  nodes: [{ op: "BatchNormalization", inputs: ["x", "s", "b", "m", "v"], outputs: ["y"], attrs: { spatial: 0 } }],
  inputs: { x: `float32[${shape}]`, s: parameters, b: parameters, m: parameters, v: parameters },
  outputs: ["y"],
  initializers: {},
});

const masked = (dtype: string): BriefModel => ({
  opset: 23,
  nodes: [{ op: "Attention", inputs: ["q", "k", "v", "mask"], outputs: ["y"] }],
  inputs: { q: "float32[1,2,3,4]", k: "float32[1,2,5,4]", v: "float32[1,2,5,3]", mask: `${dtype}[3,5]` },
  outputs: ["y"],
});

const body = briefGraph({
  nodes: [
    { op: "Add", inputs: ["h", "t"], outputs: ["next"] },
    { op: "Mul", inputs: ["next", "t"], outputs: ["o"] },
  ],
  inputs: { h: "float32[2]", t: "float32[2]" },
  outputs: ["next: float32[2]", "o: float32[2]"],
});

const batched = (lengths: readonly number[] | undefined, attrs: BriefNode["attrs"]): BriefModel => ({
  opset: 8,
  nodes: [
    {
      op: "Scan",
      inputs: [lengths ? "lengths" : "", "state", "x"],
      outputs: ["last", "y"],
      attrs: { body: { graph: body }, num_scan_inputs: 1, ...attrs },
    },
  ],
  inputs: { state: "float32[2,2]", x: "float32[2,3,2]" },
  outputs: ["last", "y"],
  initializers: lengths ? { lengths: literalOf("int64", [2], lengths) } : {},
});

const mels = (bands: number, length: number, ends: readonly [number, number]): BriefModel => ({
  nodes: [
    { op: "MelWeightMatrix", inputs: ["bands", "length", "rate", "least", "most"], outputs: ["w"] },
    { op: "MatMul", inputs: ["x", "w"], outputs: ["y"] },
  ],
  inputs: { x: `float32[3,${Math.floor(length / 2) + 1}]` },
  outputs: ["y"],
  initializers: {
    bands: literalOf("int64", [], [bands]),
    length: literalOf("int64", [], [length]),
    rate: literalOf("int64", [], [8192]),
    least: literalOf("float32", [], [ends[0]]),
    most: literalOf("float32", [], [ends[1]]),
  },
});

describe("the import gives what ONNX Runtime gives", () => {
  test.each<[string, BriefModel]>([
    ["for the real signal of half a spectrum", spectrum()],
    ["for one of odd length", spectrum(9)],
    ["for one of fewer bins", spectrum(6)],
    ["for a mask of integers", masked("int64")],
    ["for a mask of small integers", masked("uint8")],
    ["for bands on the mel scale", mels(8, 64, [10, 4000])],
    ["for bands narrower than a bin", mels(12, 16, [0, 4000])],
    ["for a scan with a batch axis", batched(undefined, {})],
    ["for one with lengths", batched([3, 1], {})],
    ["for one that goes backwards", batched([2, 3], { directions: [1] })],
  ])("%s", (_name, model) => {
    expect(importDifference(engine, modelBytes(model))).toBeUndefined();
  });
});

test("statistics per activation are those of so many channels", () => {
  const lines = importedNodes(statistics("2,3,4", "float32[3,4]"));
  expect(lines.at(-2)).toMatch(/BatchNormalization\(.*\) .*: float32\[2,12\]$/);
  expect(lines.at(-1)).toMatch(/^y = Reshape\(.*\) .*: float32\[2,3,4\]$/);
});

test("the last block of a scale may be cut off", () => {
  const lines = importedNodes({
    nodes: [{ op: "DequantizeLinear", inputs: ["x", "s"], outputs: ["y"], attrs: { axis: 1, block_size: 2 } }],
    inputs: { x: "int8[2,5]", s: "float32[2,3]" },
    outputs: ["y"],
  });
  expect(lines.join("\n")).toMatch(/Slice\(.*, \{0\}, \{5\}, \{1\}\) : float32\[2,5\]/);
});

test("the greatest of no elements are none", () => {
  const model: BriefModel = {
    nodes: [{ op: "TopK", inputs: ["x", "k"], outputs: ["y", "i"], attrs: { axis: 1 } }],
    inputs: { x: "float32[0,3]" },
    outputs: ["y", "i"],
    initializers: { k: literalOf("int64", [1], [2]) },
  };
  expect(importedNodes(model)).toEqual(["y = Slice(x, {0}, {2}, {1}) : float32[0,2]"]);
  expect(importModel(modelBytes(model)).graph.outputs[1]!.type).toEqual({ dtype: "int64", shape: [0, 2] });
});

test.each([
  ["a line", [2, 3, 7], [4, 3, 3], [1, 0], [2, 3, 6]],
  ["a volume", [1, 2, 3, 4, 3], [3, 2, 2, 2, 2], [0, 1, 0, 1, 0, 0], [1, 24, 3, 4, 2]],
])("a deformable convolution of %s that moves nothing is a convolution", (_name, x, w, pads, offsets) => {
  const { graph } = importModel(
    modelBytes({
      nodes: [
        { op: "DeformConv", inputs: ["x", "w", "o"], outputs: ["a"], attrs: { pads } },
        { op: "Conv", inputs: ["x", "w"], outputs: ["b"], attrs: { pads } },
        { op: "Sub", inputs: ["a", "b"], outputs: ["y"] },
      ],
      inputs: { x: `float32[${x.join()}]`, w: `float32[${w.join()}]`, o: `float32[${offsets.join()}]` },
      outputs: ["y", "b"],
    }),
  );
  const wave = (shape: readonly number[], size: number) => {
    const numbers = Float32Array.from({ length: elementCount(shape) }, (_, at) => size * Math.sin(at + 1));
    return { dtype: "float32", shape, bytes: bytesFromElements(numbers) } as const;
  };
  const feeds = new Map([["x", wave(x, 1)] as const, ["w", wave(w, 1)] as const, ["o", wave(offsets, 0)] as const]);
  const types = new Map(graph.outputs.map(({ name, type }) => [name, type]));
  const made = runOnce(engine, exportGraph(graph), feeds, types);
  const [difference, whole] = ["y", "b"].map((name) => new Float32Array(made.get(name)!.bytes.slice().buffer));
  const largest = (numbers: Float32Array): number => Math.max(...numbers.map(Math.abs));
  expect(largest(difference!)).toBeLessThan(1e-5 * largest(whole!));
});
