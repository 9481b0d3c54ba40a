/** @file Samples of ops that read, write or select elements by index. */
import type { OpSample, SampleInput } from "./sample.js";
import { floats, int64s, literal } from "./sample.js";

const indices = (shape: readonly number[], ...numbers: readonly number[]): SampleInput => ({
  dtype: "int64",
  shape,
  numbers,
});
const x = floats([3, 4, 2]);

const reductions = ["none", "add", "mul", "max", "min"] as const;

export const indexingSamples: readonly OpSample[] = [
  { op: "Gather", inputs: [x, indices([2, 2], 0, 2, -1, 0)] },
  { op: "Gather", of: "a middle axis", attrs: { axis: 1 }, inputs: [x, indices([3], 3, 1, 1)] },
  { op: "Gather", of: "the last axis", attrs: { axis: -1 }, inputs: [x, indices([1, 2], 1, 1)] },
  { op: "Gather", of: "a scalar index", attrs: { axis: 1 }, inputs: [x, indices([], -2)] },
  { op: "Gather", of: "one known index", attrs: { axis: 1 }, inputs: [x, literal("int64", [], [-2])] },
  { op: "Gather", of: "known indices", inputs: [x, int64s(2, 2)] },
  { op: "Gather", of: "no index", inputs: [x, indices([0])] },
  { op: "Gather", of: "int32", inputs: [x, { dtype: "int32", shape: [2], numbers: [1, 0] }] },
  { op: "GatherElements", inputs: [floats([3, 4]), indices([2, 2], 0, 2, 1, 2)] },
  {
    op: "GatherElements",
    of: "repeated",
    attrs: { axis: -1 },
    inputs: [floats([3, 2]), indices([3, 3], 0, 0, 1, 1, -1, 1, 0, 0, 0)],
  },
  { op: "GatherND", inputs: [x, indices([2, 2], 0, 1, 0, 1)] },
  { op: "GatherND", of: "whole tuples", inputs: [x, indices([1, 2, 3], 0, 1, 1, -1, -1, -1)] },
  { op: "GatherND", of: "batches", attrs: { batch_dims: 1 }, inputs: [x, indices([3, 2, 1], 0, 0, 1, 3, 2, 2)] },
  {
    op: "GatherND",
    of: "two batches",
    attrs: { batch_dims: 2 },
    inputs: [floats([2, 2, 3]), indices([2, 2, 1], 0, 2, 1, 1)],
  },
  ...reductions.flatMap((reduction): OpSample[] => [
    {
      op: "ScatterElements",
      of: reduction,
      attrs: { reduction, axis: 1 },
      inputs: [floats([3, 4]), indices([2, 2], 0, 3, 2, -3), floats([2, 2])],
    },
    {
      op: "ScatterND",
      of: reduction,
      attrs: { reduction },
      inputs: [x, indices([2, 2], 0, 1, 2, 3), floats([2, 2])],
    },
  ]),
  ...reductions.slice(1).flatMap((reduction): OpSample[] => [
    {
      op: "ScatterElements",
      of: `${reduction}, repeated`,
      attrs: { reduction },
      inputs: [floats([2, 2]), indices([3, 2], 0, 1, 0, 1, 1, 1), floats([3, 2])],
    },
    {
      op: "ScatterND",
      of: `${reduction}, repeated`,
      attrs: { reduction },
      inputs: [floats([3]), indices([4, 1], 0, 2, 0, 0), floats([4])],
    },
  ]),
  {
    op: "ScatterND",
    of: "mul with zeros",
    attrs: { reduction: "mul" },
    inputs: [
      { ...floats([3]), numbers: [0, 2, 3] },
      indices([5, 1], 0, 1, 1, 2, 2),
      { ...floats([5]), numbers: [3, 0, 5, 0, 0] },
    ],
  },
  { op: "OneHot", inputs: [indices([2, 2], 0, 2, -1, 1), literal("int64", [], [3]), floats([2])] },
  { op: "OneHot", of: "axis 0", attrs: { axis: 0 }, inputs: [indices([3], 0, 5, 1), int64s(2), floats([2])] },
  { op: "TopK", inputs: [floats([3, 4]), int64s(2)], outputs: 2 },
  { op: "TopK", of: "smallest", attrs: { axis: 0, largest: 0 }, inputs: [floats([3, 4]), int64s(2)], outputs: 2 },
  { op: "TopK", of: "unsorted", attrs: { sorted: 0 }, inputs: [floats([3, 4]), int64s(1)], outputs: 2 },
  { op: "Compress", attrs: { axis: 1 }, inputs: [x, literal("bool", [3], [1, 0, 1])] },
  { op: "Compress", of: "flat", inputs: [x, literal("bool", [4], [0, 1, 1, 0])] },
  { op: "Compress", of: "nothing", attrs: { axis: 0 }, inputs: [x, literal("bool", [2], [0, 0])] },
  { op: "NonZero", inputs: [literal("float32", [2, 3], [0, 1, -2, 0, 0, 3])] },
  { op: "NonZero", of: "nothing", inputs: [literal("int64", [2], [0, 0])] },
];
