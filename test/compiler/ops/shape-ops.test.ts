/** @file Ops that make tensors out of shapes and counts: types and refusals. */
import { expect, test } from "vitest";
import type { OpSample } from "../../contract/op-samples/sample.js";
import { floats, int64s, literal } from "../../contract/op-samples/sample.js";
import { refusalOf, typesOf } from "../../support/op-text.js";

const x = floats([2, 3, 4]);
const one = literal("int64", [], [1]);

test.each<[string, OpSample, string]>([
  ["Shape", { op: "Shape", inputs: [x] }, "int64[3]"],
  ["a part of a shape", { op: "Shape", attrs: { start: -2, end: -1 }, inputs: [x] }, "int64[1]"],
  ["a part beyond the end", { op: "Shape", attrs: { start: 1, end: 9 }, inputs: [x] }, "int64[2]"],
  ["Size", { op: "Size", inputs: [x] }, "int64[]"],
  ["ConstantOfShape without a value", { op: "ConstantOfShape", inputs: [int64s()] }, "float32[]"],
  [
    "a range that does not reach its limit",
    { op: "Range", inputs: [literal("int64", [], [0]), literal("int64", [], [7]), literal("int64", [], [3])] },
    "int64[3]",
  ],
  ["a range the wrong way", { op: "Range", inputs: [literal("int64", [], [5]), one, one] }, "int64[0]"],
  ["EyeLike with a type", { op: "EyeLike", attrs: { dtype: 11 }, inputs: [floats([2, 3])] }, "float64[2,3]"],
])("%s", (_name, sample, type) => {
  expect(typesOf(sample)).toEqual([type]);
});

test.each<[string, OpSample, string]>([
  [
    "a negative size",
    { op: "ConstantOfShape", inputs: [int64s(2, -1)] },
    "node ConstantOfShape_0 (ConstantOfShape): a size is negative; got [2,-1].",
  ],
  [
    "two values",
    {
      op: "ConstantOfShape",
      attrs: { value: { dtype: "int64", shape: [2], elements: BigInt64Array.of(1n, 2n) } },
      inputs: [int64s(2)],
    },
    'node ConstantOfShape_0 (ConstantOfShape): attribute "value" has shape [2]; expected 1 element.',
  ],
  [
    "a step of 0",
    { op: "Range", inputs: [one, one, literal("int64", [], [0])] },
    "node Range_0 (Range): the step of the range is 0.",
  ],
  [
    "a limit of another type",
    { op: "Range", inputs: [one, literal("float32", [], [3]), one] },
    "node Range_0 (Range): input 1 is float32[]; expected a int64 scalar.",
  ],
  [
    "no matrix",
    { op: "EyeLike", inputs: [x] },
    "node EyeLike_0 (EyeLike): input 0 is no matrix; got [2,3,4], expected 2 axes.",
  ],
])("%s is refused", (_name, sample, message) => {
  expect(refusalOf(sample)).toBe(message);
});
