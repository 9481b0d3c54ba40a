/** @file Samples of pools, normalizations, and columns. */
import type { OpSample } from "./sample.js";
import { floats, int64s } from "./sample.js";

const image = floats([2, 2, 6, 5]);

const windows: readonly (readonly [string, object])[] = [
  ["plain", { kernel_shape: [2, 3] }],
  ["strides and pads", { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 0, 2, 1] }],
  ["ceil", { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }],
  ["ceil and pads", { kernel_shape: [3, 3], strides: [2, 3], pads: [1, 1, 0, 1], ceil_mode: 1 }],
  ["ceil that would start in the padding", { kernel_shape: [2, 2], strides: [3, 3], pads: [0, 0, 1, 1], ceil_mode: 1 }],
  ["tiles", { kernel_shape: [2, 3], strides: [2, 3] }],
  ["gaps", { kernel_shape: [2, 1], strides: [3, 2] }],
  ["dilations", { kernel_shape: [2, 2], dilations: [2, 3], strides: [1, 1] }],
  ["dilations wider than strides", { kernel_shape: [2, 2], dilations: [3, 2], strides: [2, 2] }],
  ["SAME_UPPER", { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_UPPER" }],
  ["SAME_LOWER", { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_LOWER" }],
  ["VALID", { kernel_shape: [2, 2], strides: [2, 2], auto_pad: "VALID" }],
];

const slidingPools = windows.flatMap(([of, attrs]): OpSample[] => [
  { op: "MaxPool", of, attrs, inputs: [image] },
  { op: "MaxPool", of: `${of}, indices`, attrs, inputs: [image], outputs: 2 },
  { op: "AveragePool", of, attrs, inputs: [image] },
  { op: "AveragePool", of: `${of}, padding counts`, attrs: { ...attrs, count_include_pad: 1 }, inputs: [image] },
]);

const perChannel = [floats([3], 0.5, 2), floats([3])] as const;

export const poolingSamples: readonly OpSample[] = [
  ...slidingPools,
  {
    op: "MaxPool",
    of: "column-major indices",
    attrs: { kernel_shape: [2, 2], storage_order: 1 },
    inputs: [image],
    outputs: 2,
  },
  { op: "MaxPool", of: "no batch", attrs: { kernel_shape: [2, 2] }, inputs: [floats([0, 2, 4, 4])] },
  ...(["MaxPool", "AveragePool"] as const).flatMap((op): OpSample[] => [
    { op, of: "1-d", attrs: { kernel_shape: [3], strides: [2], pads: [1, 1] }, inputs: [floats([2, 3, 7])] },
    { op, of: "3-d", attrs: { kernel_shape: [2, 2, 2], strides: [2, 1, 1] }, inputs: [floats([1, 2, 4, 4, 3])] },
  ]),
  ...[1, 2, 3].flatMap((p): OpSample[] => [
    {
      op: "LpPool",
      of: `p ${p}`,
      attrs: { p, kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 0, 1] },
      inputs: [image],
    },
    { op: "GlobalLpPool", of: `p ${p}`, attrs: { p }, inputs: [image] },
  ]),
  {
    op: "LpPool",
    of: "dilations and ceil",
    attrs: { kernel_shape: [2, 2], dilations: [2, 1], strides: [2, 2], ceil_mode: 1 },
    inputs: [image],
  },
  ...(["GlobalAveragePool", "GlobalMaxPool"] as const).flatMap((op): OpSample[] => [
    { op, inputs: [floats([2, 3, 3, 2])] },
    { op, of: "1-d", inputs: [floats([2, 3, 4])] },
    { op, of: "3-d", inputs: [floats([1, 2, 2, 3, 2])] },
  ]),
  {
    op: "MaxUnpool",
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    inputs: [floats([1, 1, 2, 2]), { dtype: "int64", shape: [1, 1, 2, 2], numbers: [0, 3, 9, 15] }],
  },
  {
    op: "MaxUnpool",
    of: "output_shape",
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    inputs: [floats([1, 1, 2, 2]), { dtype: "int64", shape: [1, 1, 2, 2], numbers: [0, 3, 9, 15] }, int64s(1, 1, 5, 5)],
  },
  { op: "BatchNormalization", inputs: [floats([2, 3, 2, 2]), ...perChannel, floats([3]), floats([3], 0.5, 2)] },
  { op: "BatchNormalization", of: "2-d", inputs: [floats([4, 3]), ...perChannel, floats([3]), floats([3], 0.5, 2)] },
  {
    op: "BatchNormalization",
    of: "training, all outputs",
    attrs: { training_mode: 1, momentum: 0.75 },
    inputs: [floats([2, 3, 2, 2]), ...perChannel, floats([3]), floats([3], 0.5, 2)],
    outputs: 3,
  },
  { op: "InstanceNormalization", attrs: { epsilon: 0.01 }, inputs: [floats([2, 3, 4, 2]), ...perChannel] },
  ...[1, 2, 6].map((num_groups): OpSample => ({
    op: "GroupNormalization",
    of: `${num_groups} groups`,
    attrs: { num_groups },
    inputs: [floats([2, 6, 2, 3]), floats([6]), floats([6])],
    isSingle: true,
  })),
  ...[-1, 1, 0].map((axis): OpSample => ({
    op: "LayerNormalization",
    of: `axis ${axis}`,
    attrs: { axis },
    inputs: [floats([2, 3, 4]), floats([2, 3, 4].slice(axis)), floats([2, 3, 4].slice(axis))],
    isSingle: true,
  })),
  { op: "LayerNormalization", of: "no bias", inputs: [floats([2, 4]), floats([4])], isSingle: true },
  {
    op: "LayerNormalization",
    of: "one scale for all",
    attrs: { axis: 1 },
    inputs: [floats([2, 3, 4]), floats([1]), floats([4])],
    isSingle: true,
  },
  {
    op: "LayerNormalization",
    of: "all outputs",
    inputs: [floats([3, 4]), floats([4]), floats([4])],
    outputs: 3,
    isSingle: true,
  },
  ...[1, 2].map((p): OpSample => ({
    op: "LpNormalization",
    of: `p ${p}`,
    attrs: { p, axis: 1 },
    inputs: [floats([2, 3, 4])],
  })),
  ...[1, 3, 5].map((size): OpSample => ({
    op: "LRN",
    of: `size ${size}`,
    attrs: { size, alpha: 0.5, bias: 2 },
    inputs: [floats([2, 5, 2, 3])],
  })),
  { op: "MeanVarianceNormalization", inputs: [floats([2, 3, 2, 3])] },
  { op: "MeanVarianceNormalization", of: "axes", attrs: { axes: [-1] }, inputs: [floats([2, 3, 4])] },
  { op: "Col2Im", inputs: [floats([2, 8, 6]), int64s(3, 4), int64s(2, 2)] },
  {
    op: "Col2Im",
    of: "strides, pads and dilations",
    attrs: { strides: [2, 1], pads: [1, 0, 0, 1], dilations: [1, 2] },
    inputs: [floats([1, 4, 8]), int64s(4, 5), int64s(2, 2)],
  },
  { op: "Col2Im", of: "1-d", attrs: { strides: [2] }, inputs: [floats([1, 6, 2]), int64s(5), int64s(3)] },
];
