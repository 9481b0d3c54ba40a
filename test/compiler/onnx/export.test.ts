/** @file Exported programs: what onnx-proto reads in them, and that ONNX Runtime runs them. */
import onnxProto from "onnx-proto";
import { afterAll, expect, test } from "vitest";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import { literalOf } from "../../../compiler/ir/literal.js";
import { exportGraph, exportProgram } from "../../../compiler/onnx/export.js";
import { importModel } from "../../../compiler/onnx/import.js";
import { bytesFromElements } from "../../../compiler/onnx/tensor-data.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { runOnce } from "../../../runtime/engine/run-once.js";
import { numbersOfTensor } from "../../support/difference.js";
import { f32 } from "../../support/onnx-model.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

/** y = clip(x·w, 0, ∞), twice = y + y. */
function example() {
  const b = new GraphBuilder(OPS);
  const x = b.input("x", f32(1, 2));
  const w = b.param("w", f32(2, 2));
  const {
    outputs: [h],
  } = b.node("MatMul", [x, w], {}, { name: "product", outputs: ["h"] });
  const zero = b.literal(literalOf("float32", [], [0]), "zero");
  const {
    outputs: [y],
  } = b.node("Clip", [h, zero, undefined], {}, { name: "clip", outputs: ["y"] });
  const {
    outputs: [twice],
  } = b.node("Add", [y, y], {}, { name: "add", outputs: ["twice"] });
  return { graph: b.build("example", [y!, twice!]), x, w, h: h!, y: y!, twice: twice! };
}

const tensor = (shape: readonly number[], ...numbers: readonly number[]) => ({
  dtype: "float32" as const,
  shape,
  bytes: bytesFromElements(Float32Array.from(numbers)),
});

test("a whole graph: inputs, then parameters; constants as nodes; optional inputs at the end left out", () => {
  const { graph } = onnxProto.onnx.ModelProto.decode(exportGraph(example().graph));
  expect(graph!.input!.map(({ name }) => name)).toEqual(["x", "w"]);
  expect(graph!.node!.map(({ name, opType, input }) => [name, opType, input])).toEqual([
    ["/zero.constant", "Constant", []],
    ["product", "MatMul", ["x", "w"]],
    ["clip", "Clip", ["h", "/zero"]],
    ["add", "Add", ["y", "y"]],
  ]);
  expect(graph!.initializer).toEqual([]);
});

test("a whole graph with weights and the types of inner values", () => {
  const { graph } = onnxProto.onnx.ModelProto.decode(
    exportGraph(example().graph, { weights: new Map([["w", new Uint8Array(16)]]), valueInfo: true }),
  );
  expect(graph!.input!.map(({ name }) => name)).toEqual(["x"]);
  expect(graph!.initializer!.map(({ name }) => name)).toEqual(["w"]);
  expect(graph!.valueInfo!.map(({ name }) => name)).toEqual(["h"]);
});

test("a part of a graph runs, with an input and a literal among its outputs", () => {
  const { h, twice, y, graph } = example();
  const literal = graph.nodes[1]!.inputs[1]!;
  const bytes = exportProgram({ name: "part", inputs: [h], outputs: [twice, y, literal], nodes: graph.nodes.slice(1) });
  const types = new Map([twice, y, literal].map((value) => [value.name, value.type]));
  const found = runOnce(engine, bytes, new Map([["h", tensor([1, 2], -3, 4)]]), types);
  expect(numbersOfTensor(found.get("twice")!)).toEqual([0, 8]);
  expect(numbersOfTensor(found.get("y")!)).toEqual([0, 4]);
  expect(numbersOfTensor(found.get("zero")!)).toEqual([0]);
});

test("equal graphs give equal bytes, and literals never take the name of another value", () => {
  const { x, graph } = example();
  expect(exportGraph(example().graph)).toEqual(exportGraph(graph));
  const b = new GraphBuilder(OPS);
  const input = b.input("a", f32(2));
  const clash = { ...b.literal(literalOf("float32", [], [5])), name: "a" };
  const {
    outputs: [sum],
  } = b.node("Add", [input, clash], {}, { outputs: ["sum"] });
  const bytes = exportProgram({ name: "clash", inputs: [input], outputs: [sum!], nodes: b.nodes });
  const found = runOnce(engine, bytes, new Map([["a", tensor([2], 1, 2)]]), new Map([["sum", sum!.type]]));
  expect(numbersOfTensor(found.get("sum")!)).toEqual([6, 7]);
  expect(x.name).toBe("x");
});

test("what is exported is imported again with its parameters as inputs", () => {
  const { graph } = importModel(exportGraph(example().graph));
  expect(graph.inputs.map(({ name }) => name)).toEqual(["x", "w"]);
  expect(graph.params).toEqual([]);
});
