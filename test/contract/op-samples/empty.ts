/** @file Samples of tensors without elements: every op that takes them gives and differentiates them. */
import type { OpSample } from "./sample.js";
import { floats, int64s, literal } from "./sample.js";

const noIndex = { dtype: "int64", numbers: [] } as const;
const none = { of: "nothing" } as const;

export const emptySamples: readonly OpSample[] = [
  { ...none, op: "Gemm", inputs: [floats([2, 0]), floats([0, 3]), floats([3])] },
  { op: "Gemm", of: "no columns", inputs: [floats([2, 3]), floats([3, 0])] },
  { ...none, op: "Conv", attrs: { group: 2 }, inputs: [floats([0, 2, 4, 4]), floats([2, 1, 2, 2])] },
  { ...none, op: "ConvTranspose", inputs: [floats([0, 2, 3, 3]), floats([2, 1, 2, 2]), floats([1])] },
  { ...none, op: "AveragePool", attrs: { kernel_shape: [2, 2] }, inputs: [floats([0, 2, 4, 4])] },
  { ...none, op: "LpPool", attrs: { kernel_shape: [2, 2] }, inputs: [floats([0, 2, 4, 4])] },
  { ...none, op: "MaxPool", attrs: { kernel_shape: [2, 2], strides: [2, 2] }, inputs: [floats([0, 2, 4, 4])] },
  { ...none, op: "GlobalAveragePool", inputs: [floats([0, 2, 4, 4])] },
  { ...none, op: "GlobalMaxPool", inputs: [floats([0, 2, 4, 4])] },
  { ...none, op: "LayerNormalization", inputs: [floats([0, 4]), floats([4]), floats([4])], isSingle: true },
  {
    ...none,
    op: "BatchNormalization",
    inputs: [floats([0, 2, 3]), floats([2]), floats([2]), floats([2]), floats([2], 0.5, 2)],
  },
  { ...none, op: "InstanceNormalization", inputs: [floats([0, 2, 3]), floats([2]), floats([2])] },
  { ...none, op: "LpNormalization", inputs: [floats([0, 3])] },
  { ...none, op: "LRN", attrs: { size: 3 }, inputs: [floats([0, 4, 2, 2])] },
  { ...none, op: "MeanVarianceNormalization", inputs: [floats([0, 2, 3, 3])] },
  { ...none, op: "Transpose", inputs: [floats([2, 0, 3])] },
  { ...none, op: "Flatten", inputs: [floats([0, 2, 3])] },
  { ...none, op: "Squeeze", inputs: [floats([0, 1, 3])] },
  { ...none, op: "Expand", inputs: [floats([0, 1]), int64s(3, 1, 2)] },
  { ...none, op: "Tile", inputs: [floats([0, 2]), int64s(2, 3)] },
  { ...none, op: "Slice", inputs: [floats([0, 4]), int64s(1), int64s(3), int64s(1), int64s(2)] },
  { ...none, op: "Concat", attrs: { axis: 1 }, inputs: [floats([0, 2]), floats([0, 3])] },
  { ...none, op: "Split", attrs: { axis: 1 }, inputs: [floats([0, 3]), int64s(1, 2)], outputs: 2 },
  { ...none, op: "Pad", attrs: { mode: "reflect" }, inputs: [floats([0, 3]), int64s(0, 1, 0, 1)] },
  { ...none, op: "CenterCropPad", inputs: [floats([0, 3]), int64s(0, 5)] },
  { ...none, op: "DepthToSpace", attrs: { blocksize: 2 }, inputs: [floats([0, 4, 2, 2])] },
  { ...none, op: "Trilu", inputs: [floats([0, 3, 3])] },
  { ...none, op: "Gather", inputs: [floats([3, 0]), int64s(0, 2)] },
  { ...none, op: "GatherElements", inputs: [floats([3, 2]), { ...noIndex, shape: [0, 2] }] },
  { ...none, op: "GatherND", inputs: [floats([3, 2]), { ...noIndex, shape: [0, 1] }] },
  { ...none, op: "ScatterElements", inputs: [floats([3, 2]), { ...noIndex, shape: [0, 2] }, floats([0, 2])] },
  { ...none, op: "ScatterND", inputs: [floats([3, 2]), { ...noIndex, shape: [0, 1] }, floats([0, 2])] },
  { ...none, op: "OneHot", inputs: [{ ...noIndex, shape: [0] }, literal("int64", [], [3]), floats([2])] },
  { op: "TopK", of: "no element taken", inputs: [floats([2, 3]), int64s(0)], outputs: 2 },
  { ...none, op: "Resize", inputs: [floats([0, 1, 2, 2]), undefined, literal("float32", [4], [1, 1, 2, 2])] },
  { ...none, op: "GridSample", inputs: [floats([1, 2, 3, 3]), floats([1, 0, 2, 2])] },
];
