/** @file Samples of matrix products and convolutions. */
import type { OpSample } from "./sample.js";
import { floats } from "./sample.js";

const matMuls: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ["matrices", [2, 3], [3, 4]],
  ["a stack times a matrix", [2, 2, 3], [3, 4]],
  ["a matrix times a stack", [2, 3], [2, 3, 4]],
  ["stacks that broadcast", [2, 1, 2, 3], [3, 3, 2]],
  ["vectors", [3], [3]],
  ["a vector times a stack", [3], [2, 3, 4]],
  ["a stack times a vector", [2, 2, 3], [3]],
  ["a vector times a matrix", [3], [3, 2]],
  ["no rows", [0, 3], [3, 2]],
  ["nothing to sum over", [2, 0], [0, 3]],
  ["an empty stack", [0, 2, 3], [0, 3, 2]],
];

const convs: readonly OpSample[] = [
  { op: "Conv", inputs: [floats([2, 3, 5, 4]), floats([4, 3, 3, 2]), floats([4])] },
  { op: "Conv", of: "1-d", attrs: { strides: [2], pads: [1, 2] }, inputs: [floats([2, 2, 7]), floats([3, 2, 3])] },
  {
    op: "Conv",
    of: "3-d groups",
    attrs: { group: 2, strides: [1, 2, 1], pads: [1, 0, 0, 0, 1, 1], dilations: [1, 1, 2] },
    inputs: [floats([1, 4, 3, 4, 5]), floats([2, 2, 2, 2, 2]), floats([2])],
  },
  {
    op: "Conv",
    of: "depthwise",
    attrs: { group: 3, pads: [1, 1, 1, 1] },
    inputs: [floats([2, 3, 4, 5]), floats([3, 1, 3, 3]), floats([3])],
  },
  {
    op: "Conv",
    of: "depthwise with more padding than kernel",
    attrs: { group: 2, pads: [3, 2, 2, 3] },
    inputs: [floats([1, 2, 3, 3]), floats([2, 1, 2, 2])],
  },
  {
    op: "Conv",
    of: "depthwise with dilation and stride",
    attrs: { group: 2, dilations: [2, 1], strides: [2, 3] },
    inputs: [floats([2, 2, 7, 7]), floats([2, 1, 3, 2])],
  },
  {
    op: "Conv",
    of: "two outputs per group",
    attrs: { group: 2 },
    inputs: [floats([1, 2, 4, 4]), floats([4, 1, 3, 2])],
  },
  {
    op: "Conv",
    of: "17 channels",
    attrs: { pads: [1, 1, 1, 1] },
    inputs: [floats([2, 17, 4, 3]), floats([3, 17, 3, 3])],
  },
  {
    op: "Conv",
    of: "17 channels, strides and dilations",
    attrs: { strides: [2, 3], dilations: [2, 1], pads: [0, 1, 2, 0] },
    inputs: [floats([1, 17, 8, 8]), floats([2, 17, 3, 2])],
  },
  { op: "Conv", of: "17 channels, one tap", inputs: [floats([2, 17, 3, 3]), floats([4, 17, 1, 1]), floats([4])] },
  {
    op: "Conv",
    of: "17 channels, one tap, stride 2",
    attrs: { strides: [2, 2] },
    inputs: [floats([2, 17, 5, 4]), floats([4, 17, 1, 1])],
  },
  {
    op: "Conv",
    of: "17 channels, one sequence",
    attrs: { pads: [2, 0] },
    inputs: [floats([1, 17, 6]), floats([2, 17, 3])],
  },
  ...(["SAME_UPPER", "SAME_LOWER", "VALID"] as const).map((auto_pad): OpSample => ({
    op: "Conv",
    of: auto_pad,
    attrs: { auto_pad, strides: [2, 1] },
    inputs: [floats([1, 2, 5, 6]), floats([2, 2, 2, 4])],
  })),
  {
    op: "Conv",
    of: "few groups of 17 channels",
    attrs: { group: 2, strides: [1, 2], pads: [0, 1, 1, 0] },
    inputs: [floats([2, 34, 3, 4]), floats([4, 17, 2, 2])],
  },
  {
    op: "Conv",
    of: "groups, strides and dilations",
    attrs: { group: 2, strides: [2, 3], dilations: [1, 2], pads: [1, 0, 0, 1] },
    inputs: [floats([2, 4, 6, 9]), floats([4, 2, 2, 3])],
  },
  {
    op: "Conv",
    of: "16 channels, a large image and a small weight",
    attrs: { pads: [1, 0, 0, 1], dilations: [1, 2] },
    inputs: [floats([1, 16, 6, 8]), floats([1, 16, 2, 2])],
  },
  { op: "Conv", of: "one tap, many more channels", inputs: [floats([2, 1, 4, 4]), floats([4, 1, 1, 1])] },
  { op: "Conv", of: "no batch", inputs: [floats([0, 2, 4, 4]), floats([3, 2, 2, 2]), floats([3])] },
];

const convTransposes: readonly OpSample[] = [
  { op: "ConvTranspose", inputs: [floats([2, 3, 3, 4]), floats([3, 2, 3, 2]), floats([2])] },
  {
    op: "ConvTranspose",
    of: "strides, pads and output padding",
    attrs: { strides: [2, 3], pads: [1, 0, 0, 1], output_padding: [1, 2] },
    inputs: [floats([1, 2, 3, 3]), floats([2, 2, 3, 3])],
  },
  {
    op: "ConvTranspose",
    of: "output_shape",
    attrs: { strides: [2, 2], output_shape: [8, 7] },
    inputs: [floats([1, 2, 4, 3]), floats([2, 2, 3, 4])],
  },
  ...(["SAME_UPPER", "SAME_LOWER"] as const).flatMap((auto_pad): OpSample[] => [
    {
      op: "ConvTranspose",
      of: auto_pad,
      attrs: { auto_pad, strides: [2, 2] },
      inputs: [floats([1, 2, 3, 3]), floats([2, 1, 3, 4])],
    },
    {
      op: "ConvTranspose",
      of: `output_shape and ${auto_pad}`,
      attrs: { auto_pad, strides: [2, 2], output_shape: [6, 5] },
      inputs: [floats([1, 1, 3, 3]), floats([1, 2, 3, 3])],
    },
  ]),
  {
    op: "ConvTranspose",
    of: "groups and dilations",
    attrs: { group: 2, dilations: [2, 1] },
    inputs: [floats([2, 4, 3, 2]), floats([4, 3, 2, 2]), floats([6])],
  },
  { op: "ConvTranspose", of: "1-d", attrs: { strides: [3] }, inputs: [floats([1, 2, 4]), floats([2, 1, 2])] },
  {
    op: "ConvTranspose",
    of: "3-d",
    attrs: { strides: [2, 1, 1] },
    inputs: [floats([1, 2, 2, 2, 3]), floats([2, 1, 2, 2, 2])],
  },
  {
    op: "ConvTranspose",
    of: "17 channels",
    attrs: { strides: [2, 2] },
    inputs: [floats([2, 2, 3, 3]), floats([2, 17, 3, 3])],
  },
];

export const matrixSamples: readonly OpSample[] = [
  ...matMuls.map(([of, a, b]): OpSample => ({ op: "MatMul", of, inputs: [floats(a), floats(b)] })),
  ...[0, 1].flatMap((transA) =>
    [0, 1].map((transB): OpSample => ({
      op: "Gemm",
      of: `transA ${transA} transB ${transB}`,
      attrs: { transA, transB, alpha: 0.5, beta: -1.5 },
      inputs: [floats(transA ? [4, 3] : [3, 4]), floats(transB ? [2, 4] : [4, 2]), floats([2])],
    })),
  ),
  { op: "Gemm", of: "no bias", inputs: [floats([3, 4]), floats([4, 2])] },
  { op: "Gemm", of: "a bias per row", attrs: { beta: 2 }, inputs: [floats([3, 4]), floats([4, 2]), floats([3, 1])] },
  { op: "Gemm", of: "a scalar bias", inputs: [floats([3, 4]), floats([4, 2]), floats([])] },
  { op: "Gemm", of: "no rows", inputs: [floats([0, 4]), floats([4, 2]), floats([2])] },
  { op: "Det", inputs: [floats([3, 3])] },
  { op: "Det", of: "a stack", inputs: [floats([2, 2, 4, 4])] },
  { op: "Det", of: "one by one", inputs: [floats([2, 1, 1])] },
  ...convs,
  ...convTransposes,
];
