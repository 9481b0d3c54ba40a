/** @file Samples of reductions, ops along an axis, and random ops. */
import type { OpSample } from "./sample.js";
import { floats, int64s, literal } from "./sample.js";

const reductions = [
  "ReduceSum",
  "ReduceMean",
  "ReduceMax",
  "ReduceMin",
  "ReduceProd",
  "ReduceL1",
  "ReduceL2",
  "ReduceLogSum",
  "ReduceLogSumExp",
  "ReduceSumSquare",
] as const;

export const reducingSamples: readonly OpSample[] = [
  ...reductions.flatMap((op): OpSample[] => [
    { op, inputs: [floats([2, 3, 4], 0.5, 2), int64s(1)] },
    { op, of: "two axes", attrs: { keepdims: 0 }, inputs: [floats([2, 3, 4], 0.5, 2), int64s(-1, 0)] },
    { op, of: "all axes", attrs: { keepdims: 0 }, inputs: [floats([2, 3], 0.5, 2)] },
    { op, of: "an empty list of axes", inputs: [floats([2, 3], 0.5, 2), int64s()] },
    { op, of: "no axes", attrs: { noop_with_empty_axes: 1 }, inputs: [floats([2, 3], 0.5, 2)] },
    { op, of: "a scalar", inputs: [floats([], 0.5, 2)] },
  ]),
  { op: "ReduceSum", of: "an empty axis", inputs: [floats([2, 0, 3]), int64s(1)] },
  { op: "ReduceMean", of: "nothing kept", inputs: [floats([0, 3]), int64s(1)] },
  {
    op: "ReduceProd",
    of: "zeros",
    attrs: { keepdims: 0 },
    inputs: [{ ...floats([3, 3]), numbers: [1, 0, 2, 0, 3, 0, 1, 2, 3] }, int64s(1)],
  },
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse): OpSample => ({
      op: "CumSum",
      of: `exclusive ${exclusive} reverse ${reverse}`,
      attrs: { exclusive, reverse },
      inputs: [floats([2, 3, 2]), literal("int64", [], [-2])],
    })),
  ),
  ...(["ArgMax", "ArgMin"] as const).flatMap((op): OpSample[] => [
    { op, attrs: { axis: -1 }, inputs: [floats([2, 3])] },
    { op, of: "last of equals", attrs: { keepdims: 0, select_last_index: 1 }, inputs: [floats([2, 3])] },
  ]),
  ...(["Softmax", "LogSoftmax", "Hardmax"] as const).flatMap((op): OpSample[] => [
    { op, inputs: [floats([2, 3, 4])] },
    { op, of: "axis 1", attrs: { axis: 1 }, inputs: [floats([2, 3, 4])] },
    { op, of: "axis -3", attrs: { axis: -3 }, inputs: [floats([2, 3, 4])] },
    { op, of: "nothing", attrs: { axis: 1 }, inputs: [floats([0, 3])] },
  ]),
  { op: "RandomUniform", isRandom: true, attrs: { shape: [2, 3] }, inputs: [] },
  { op: "RandomNormal", isRandom: true, attrs: { shape: [2, 3], dtype: 11 }, inputs: [] },
  { op: "RandomUniformLike", isRandom: true, attrs: { dtype: 11 }, inputs: [floats([2, 3])] },
  { op: "RandomNormalLike", isRandom: true, inputs: [floats([2, 3])] },
  { op: "Bernoulli", isRandom: true, attrs: { dtype: 9 }, inputs: [floats([2, 3], 0, 1)] },
  { op: "Multinomial", isRandom: true, attrs: { sample_size: 5 }, inputs: [floats([2, 3], -1, 0)] },
];
