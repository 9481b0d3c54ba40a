/** @file Shape rules of reductions and of ops along an axis. */
import { expect, test } from "vitest";
import { float, literal, typesAt } from "../../support/op-at.js";

const kept = { keepdims: 1, noop_with_empty_axes: 0 };
const dropped = { keepdims: 0, noop_with_empty_axes: 0 };

test.each([
  ["one axis", [float(2, 3), literal("int64", 1)], kept, [2, 1]],
  ["a negative axis", [float(2, 3), literal("int64", -2)], dropped, [3]],
  ["no axes", [float(2, 3)], dropped, []],
  ["an empty list", [float(2, 3), literal("int64")], kept, [1, 1]],
  ["an empty list that means none", [float(2, 3), literal("int64")], { ...kept, noop_with_empty_axes: 1 }, [2, 3]],
  ["a scalar", [float()], kept, []],
  ["an axis of size 0", [float(2, 0), literal("int64", 1)], kept, [2, 1]],
] as const)("ReduceSum over %s", (_name, inputs, attrs, shape) => {
  expect(typesAt("ReduceSum", [...inputs], attrs)).toEqual([float(...shape)]);
});

test("axes that are wrong or unknown are refused", () => {
  expect(() => typesAt("ReduceMax", [float(2, 3), literal("int64", 2)], kept)).toThrow(
    /axis 2 is outside a tensor of 2/,
  );
  expect(() => typesAt("ReduceMax", [float(2, 3), literal("int64", 1, -1)], kept)).toThrow(/named twice in \[1,-1\]/);
  expect(() => typesAt("ReduceMax", [float(2), { dtype: "int64", shape: [1] }], kept)).toThrow(
    /not known at compile time/,
  );
});

test("positions are int64, and there must be some", () => {
  const attrs = { axis: -1, keepdims: 0, select_last_index: 0 };
  expect(typesAt("ArgMax", [float(2, 3)], attrs)).toEqual([{ dtype: "int64", shape: [2] }]);
  expect(typesAt("ArgMin", [float(2, 3)], { ...attrs, keepdims: 1 })).toEqual([{ dtype: "int64", shape: [2, 1] }]);
  expect(() => typesAt("ArgMax", [float(2, 0)], attrs)).toThrow(/axis -1 has no element/);
});

test("an axis outside the tensor is refused", () => {
  expect(() => typesAt("Softmax", [float(2)], { axis: 1 })).toThrow(/axis 1 is outside/);
  expect(() => typesAt("CumSum", [float(2), literal("int64", 3)], { exclusive: 0, reverse: 0 })).toThrow(/axis 3/);
});
