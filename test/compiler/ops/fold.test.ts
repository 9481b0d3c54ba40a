import { expect, test } from "vitest";
import { literalOf } from "../../../compiler/ir/literal.js";
import { elementTypeCode } from "../../../compiler/ops/element-type.js";
import { foldedAt, literal } from "../../support/op-at.js";

const reduction = { keepdims: 0, noop_with_empty_axes: 0 };

test("integers divide towards zero and wrap", () => {
  expect(foldedAt("Div", [literal("int64", 7, -7, 7), literal("int64", 2, 2, -2)], {})).toEqual([3, -3, -3]);
  expect(foldedAt("Add", [literal("int32", 2147483647), literal("int32", 1)], {})).toEqual([-2147483648]);
  expect(foldedAt("Mul", [literal("int32", 123456789), literal("int32", 987654321)], {})).toEqual([
    Math.imul(123456789, 987654321),
  ]);
  expect(foldedAt("Sub", [literal("uint8", 3), literal("uint8", 5)], {})).toEqual([254]);
});

test("int64 is exact beyond the doubles", () => {
  const big = literalOf("int64", [1], [0]);
  (big.elements as BigInt64Array)[0] = 9007199254740993n;
  const one = literal("int64", 1);
  expect(foldedAt("Equal", [big, literal("int64", 9007199254740992)], {})).toEqual([0]);
  expect(foldedAt("Mod", [big, literal("int64", 2)], { fmod: 0 })).toEqual([1]);
  expect(foldedAt("Greater", [big, one], {})).toEqual([1]);
});

test("what has no value is not folded", () => {
  expect(foldedAt("Div", [literal("int64", 1), literal("int64", 0)], {})).toBeUndefined();
  expect(foldedAt("Mod", [literal("int64", 1), literal("int64", 0)], { fmod: 0 })).toBeUndefined();
  expect(foldedAt("Cast", [literal("float32", NaN)], { to: elementTypeCode("int64"), saturate: 1 })).toBeUndefined();
});

test("mod takes the sign of the divisor, fmod that of the dividend", () => {
  const x = [literal("int64", -7, 7, -6), literal("int64", 3, -3, 3)];
  expect(foldedAt("Mod", x, { fmod: 0 })).toEqual([2, -2, 0]);
  expect(foldedAt("Mod", x, { fmod: 1 })).toEqual([-1, 1, 0]);
});

test("floats are rounded to their type once", () => {
  expect(foldedAt("Add", [literal("float32", 1), literal("float32", 2 ** -24)], {})).toEqual([1]);
  expect(foldedAt("Mul", [literal("float32", 0.1), literal("float32", 3)], {})).toEqual([
    Math.fround(Math.fround(0.1) * 3),
  ]);
  expect(foldedAt("Round", [literal("float32", 0.5, 1.5, 2.5, -0.5, 2.4, 2.6)], {})).toEqual([0, 2, 2, 0, 2, 3]);
});

test("casts cut off, and test against zero", () => {
  const cast = (to: "int64" | "bool" | "float32", ...x: number[]) =>
    foldedAt("Cast", [literal("float32", ...x)], { to: elementTypeCode(to), saturate: 1 });
  expect(cast("int64", 2.9, -2.9)).toEqual([2, -2]);
  expect(cast("bool", 0.5, 0, -3)).toEqual([1, 0, 1]);
  expect(foldedAt("Cast", [literal("int64", 3, 0)], { to: elementTypeCode("float32"), saturate: 1 })).toEqual([3, 0]);
  expect(foldedAt("Cast", [literal("bool", 1, 0)], { to: elementTypeCode("int64"), saturate: 1 })).toEqual([1, 0]);
});

test("shape arithmetic broadcasts and chooses", () => {
  const condition = literal("bool", 1, 0);
  expect(foldedAt("Where", [condition, literal("int64", 7), literal("int64", 1, 2)], {})).toEqual([7, 2]);
  expect(foldedAt("Max", [literal("int64", 4), literal("int64", 1, 9), literal("int64", 5)], {})).toEqual([5, 9]);
  expect(foldedAt("And", [condition, literal("bool", 1, 1)], {})).toEqual([1, 0]);
  expect(foldedAt("Clip", [literal("int64", -5, 5), undefined, literalOf("int64", [], [3])], {})).toEqual([-5, 3]);
  expect(foldedAt("Clip", [literal("int64", -5, 5), literalOf("int64", [], [0]), undefined], {})).toEqual([0, 5]);
});

test("reductions fold along their axes", () => {
  const matrix = literalOf("int64", [2, 3], [1, 2, 3, 4, 5, 6]);
  expect(foldedAt("ReduceProd", [matrix, undefined], reduction)).toEqual([720]);
  expect(foldedAt("ReduceSum", [matrix, literal("int64", 0)], reduction)).toEqual([5, 7, 9]);
  expect(foldedAt("ReduceMax", [matrix, literal("int64", -1)], reduction)).toEqual([3, 6]);
  expect(foldedAt("ReduceMin", [matrix, literal("int64")], { ...reduction, noop_with_empty_axes: 1 })).toEqual([
    1, 2, 3, 4, 5, 6,
  ]);
});
