/** @file Shape rules of elementwise ops: broadcasting, and what they refuse. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import { unbroadcast } from "../../../compiler/ops/broadcast.js";
import { elementTypeOf } from "../../../compiler/ops/element-type.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { broadcastShapes } from "../../../compiler/ops/shape.js";
import { float, typesAt } from "../../support/op-at.js";

test.each([
  ["Add", [float(2, 1), float(3)], float(2, 3)],
  ["Mul", [float(0), float(1)], float(0)],
  ["Max", [float(2, 1), float(1, 3), float()], float(2, 3)],
  ["Equal", [float(2, 1), float(3)], { dtype: "bool", shape: [2, 3] }],
  ["Pow", [float(2), { dtype: "int64", shape: [3, 1] }], float(3, 2)],
  ["Where", [{ dtype: "bool", shape: [4, 1] }, float(3), float()], float(4, 3)],
] as const)("%s broadcasts", (op, inputs, output) => {
  expect(typesAt(op, [...inputs], {})).toEqual([output]);
});

test.each([
  ["Add", [float(2), float(3)], /do not broadcast/],
  ["Add", [float(2)], /input 1 is missing/],
  ["Sub", [float(2), { dtype: "int64", shape: [2] }], /element types differ; got float32 and int64/],
  ["Sum", [float(2), { dtype: "float64", shape: [2] }], /element types differ; got float32 and float64/],
  ["Where", [float(2), float(2), float(2)], /the condition is float32; expected bool/],
  ["And", [float(2), float(2)], /inputs are float32; expected bool/],
  ["BitwiseOr", [float(2), float(2)], /inputs are float32; expected integers/],
  ["Not", [float(2)], /input 0 is float32; expected bool/],
  ["BitwiseNot", [float(2)], /input 0 is float32; expected integers/],
  ["PRelu", [float(2, 1), float(2, 3)], /slope \[2,3\] does not broadcast to \[2,1\]/],
  ["Clip", [float(2), float(2)], /a bound has shape \[2\]; expected a scalar/],
] as const)("%s refuses inputs that do not fit", (op, inputs, message) => {
  expect(() => typesAt(op, [...inputs], {})).toThrow(message);
});

test("element types that the IR lacks are named", () => {
  expect(() => elementTypeOf(17)).toThrow(/element type 17 of ONNX is not supported; expected one of 1 \(float32\)/);
});

const shape = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 });

test("unbroadcast gives back the shape that was broadcast", () => {
  fc.assert(
    fc.property(shape, fc.nat(4), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), (full, dropped, ones) => {
      const own = full.slice(dropped).map((size, axis) => (ones[axis] ? 1 : size));
      fc.pre(broadcastShapes(full, own).join() === full.join());
      const builder = new GraphBuilder(OPS);
      const dy = builder.input("dy", float(...full));
      const gradient = unbroadcast(builder, dy, own);
      expect(gradient.type).toEqual(float(...own));
      expect(builder.nodes.length).toBeLessThanOrEqual(2);
      expect(gradient === dy).toBe(own.join() === full.join());
    }),
    { numRuns: 200, seed: 2 },
  );
});

test("rules from y do not read x", () => {
  for (const op of [
    "Exp",
    "Sqrt",
    "Reciprocal",
    "Tan",
    "Sigmoid",
    "Tanh",
    "Relu",
    "Elu",
    "Celu",
    "Selu",
    "LeakyRelu",
    "Softmax",
    "LogSoftmax",
    "ReduceLogSum",
  ] as const) {
    const builder = new GraphBuilder(OPS);
    const x = builder.input("x", float(2, 3));
    const { outputs, attrs } = builder.node(op, [x], {}, { outputs: ["y"] });
    const rule = OPS[op].grad as (b: GraphBuilder, use: unknown) => readonly unknown[];
    const before = builder.nodes.length;
    rule(builder, { x: [x], y: outputs, dy: [builder.input("dy", outputs[0]!.type)], attrs });
    const readers = builder.nodes.slice(before).filter((node) => node.inputs.includes(x));
    expect(readers, op).toEqual([]);
  }
});
