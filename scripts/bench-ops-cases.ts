/** @file The ops and sizes that bench-ops times: those of small transformers and convolutional networks at one microbatch. */
import type { DType, Shape } from "../compiler/ir/graph.js";
import type { OpAttrs, OpType } from "../compiler/ops/types.js";

/** A float32 input of random numbers, integers below `below`, or a literal. */
export interface BenchInput {
  readonly dtype: Exclude<DType, "string">;
  readonly shape: Shape;
  readonly below?: number;
  readonly numbers?: readonly number[];
}

export type BenchCase = {
  readonly [K in OpType]: {
    readonly name: string;
    readonly op: K;
    readonly inputs: readonly BenchInput[];
    readonly attrs?: Partial<OpAttrs[K]>;
    readonly outputs?: number;
    /** Inputs to differentiate; all float ones if left out. */
    readonly wrt?: readonly number[];
  };
}[OpType];

const float = (...shape: readonly number[]): BenchInput => ({ dtype: "float32", shape });
const below = (limit: number, ...shape: readonly number[]): BenchInput => ({ dtype: "int64", shape, below: limit });
const int64s = (...numbers: readonly number[]): BenchInput => ({ dtype: "int64", shape: [numbers.length], numbers });

interface ConvSize {
  readonly name: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly attrs?: Partial<OpAttrs["Conv"]>;
}

const convs: readonly ConvSize[] = [
  {
    name: "stem 7x7 s2 3>64 @112",
    x: [4, 3, 112, 112],
    w: [64, 3, 7, 7],
    attrs: { strides: [2, 2], pads: [3, 3, 3, 3] },
  },
  { name: "3x3 3>32 @64", x: [4, 3, 64, 64], w: [32, 3, 3, 3], attrs: { pads: [1, 1, 1, 1] } },
  { name: "3x3 64>64 @56", x: [2, 64, 56, 56], w: [64, 64, 3, 3], attrs: { pads: [1, 1, 1, 1] } },
  { name: "3x3 s2 64>128 @56", x: [2, 64, 56, 56], w: [128, 64, 3, 3], attrs: { strides: [2, 2], pads: [1, 1, 1, 1] } },
  { name: "3x3 256>256 @14", x: [2, 256, 14, 14], w: [256, 256, 3, 3], attrs: { pads: [1, 1, 1, 1] } },
  { name: "3x3 512>512 @7", x: [2, 512, 7, 7], w: [512, 512, 3, 3], attrs: { pads: [1, 1, 1, 1] } },
  { name: "3x3 32>64 @14 batch 16", x: [16, 32, 14, 14], w: [64, 32, 3, 3], attrs: { pads: [1, 1, 1, 1] } },
  { name: "1x1 256>64 @28", x: [2, 256, 28, 28], w: [64, 256, 1, 1] },
  { name: "1x1 s2 256>512 @28", x: [2, 256, 28, 28], w: [512, 256, 1, 1], attrs: { strides: [2, 2] } },
  { name: "1x7 128>128 @17", x: [2, 128, 17, 17], w: [128, 128, 1, 7], attrs: { pads: [0, 3, 0, 3] } },
  { name: "depthwise 3x3 96 @28", x: [2, 96, 28, 28], w: [96, 1, 3, 3], attrs: { group: 96, pads: [1, 1, 1, 1] } },
  {
    name: "depthwise 5x5 s2 96 @28",
    x: [2, 96, 28, 28],
    w: [96, 1, 5, 5],
    attrs: { group: 96, strides: [2, 2], pads: [2, 2, 2, 2] },
  },
  { name: "grouped 3x3 128 g32 @28", x: [2, 128, 28, 28], w: [128, 4, 3, 3], attrs: { group: 32, pads: [1, 1, 1, 1] } },
  { name: "1-d 3 64>64 @256", x: [4, 64, 256], w: [64, 64, 3], attrs: { pads: [1, 1] } },
];

export const BENCH_CASES: readonly BenchCase[] = [
  { name: "MatMul rows 512x256 * 256x1024", op: "MatMul", inputs: [float(4, 128, 256), float(256, 1024)] },
  { name: "MatMul rows 512x1024 * 1024x256", op: "MatMul", inputs: [float(4, 128, 1024), float(1024, 256)] },
  { name: "MatMul q*k 16x128x64", op: "MatMul", inputs: [float(4, 4, 128, 64), float(4, 4, 64, 128)] },
  { name: "MatMul attention*v 16x128x64", op: "MatMul", inputs: [float(4, 4, 128, 128), float(4, 4, 128, 64)] },
  { name: "Gemm 64x784 * 784x512", op: "Gemm", inputs: [float(64, 784), float(784, 512), float(512)] },
  {
    name: "Gemm 512x256 * (1024x256)T",
    op: "Gemm",
    attrs: { transB: 1 },
    inputs: [float(512, 256), float(1024, 256), float(1024)],
  },
  ...convs.map(({ name, x, w, attrs = {} }): BenchCase => ({
    name: `Conv ${name}`,
    op: "Conv",
    attrs,
    inputs: [float(...x), float(...w), float(w[0]!)],
  })),
  {
    name: "ConvTranspose 4x4 s2 64>32 @14",
    op: "ConvTranspose",
    attrs: { strides: [2, 2], pads: [1, 1, 1, 1] },
    inputs: [float(4, 64, 14, 14), float(64, 32, 4, 4), float(32)],
  },
  {
    name: "LayerNormalization 512x256",
    op: "LayerNormalization",
    inputs: [float(4, 128, 256), float(256), float(256)],
  },
  {
    name: "LayerNormalization 512x768",
    op: "LayerNormalization",
    inputs: [float(4, 128, 768), float(768), float(768)],
  },
  { name: "LayerNormalization 64x64", op: "LayerNormalization", inputs: [float(64, 64), float(64), float(64)] },
  {
    name: "BatchNormalization train 64 @56",
    op: "BatchNormalization",
    attrs: { training_mode: 1 },
    outputs: 3,
    wrt: [0, 1, 2],
    inputs: [float(2, 64, 56, 56), float(64), float(64), float(64), { dtype: "float32", shape: [64], below: 2 }],
  },
  {
    name: "BatchNormalization train 512 @7",
    op: "BatchNormalization",
    attrs: { training_mode: 1 },
    outputs: 3,
    wrt: [0, 1, 2],
    inputs: [float(2, 512, 7, 7), float(512), float(512), float(512), { dtype: "float32", shape: [512], below: 2 }],
  },
  {
    name: "InstanceNormalization 64 @56",
    op: "InstanceNormalization",
    inputs: [float(2, 64, 56, 56), float(64), float(64)],
  },
  {
    name: "GroupNormalization 64 g32 @56",
    op: "GroupNormalization",
    attrs: { num_groups: 32 },
    inputs: [float(2, 64, 56, 56), float(64), float(64)],
  },
  { name: "Softmax 2048x128", op: "Softmax", inputs: [float(4, 4, 128, 128)] },
  { name: "Softmax 512x1000", op: "Softmax", inputs: [float(512, 1000)] },
  { name: "LogSoftmax 512x6144", op: "LogSoftmax", inputs: [float(512, 6144)] },
  { name: "Relu 2x64x56x56", op: "Relu", inputs: [float(2, 64, 56, 56)] },
  { name: "Gelu 512x1024", op: "Gelu", inputs: [float(512, 1024)] },
  {
    name: "MaxPool 3x3 s2 64 @56",
    op: "MaxPool",
    attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    inputs: [float(2, 64, 56, 56)],
  },
  {
    name: "MaxPool 2x2 s2 64 @56",
    op: "MaxPool",
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    inputs: [float(2, 64, 56, 56)],
  },
  {
    name: "AveragePool 2x2 s2 64 @56",
    op: "AveragePool",
    attrs: { kernel_shape: [2, 2], strides: [2, 2] },
    inputs: [float(2, 64, 56, 56)],
  },
  { name: "GlobalAveragePool 512 @7", op: "GlobalAveragePool", inputs: [float(8, 512, 7, 7)] },
  { name: "Gather embedding 512 of 6144x256", op: "Gather", inputs: [float(6144, 256), below(6144, 4, 128)] },
  {
    name: "Transpose heads 4x128x4x64",
    op: "Transpose",
    attrs: { perm: [0, 2, 1, 3] },
    inputs: [float(4, 128, 4, 64)],
  },
  { name: "Slice half of 4x128x768", op: "Slice", inputs: [float(4, 128, 768), int64s(0), int64s(256), int64s(2)] },
  {
    name: "Resize nearest x2 64 @28",
    op: "Resize",
    attrs: { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    inputs: [
      float(2, 64, 28, 28),
      { dtype: "float32", shape: [0], numbers: [] },
      { dtype: "float32", shape: [4], numbers: [1, 1, 2, 2] },
    ],
  },
  {
    name: "Resize linear x2 64 @28",
    op: "Resize",
    attrs: { mode: "linear" },
    inputs: [
      float(2, 64, 28, 28),
      { dtype: "float32", shape: [0], numbers: [] },
      { dtype: "float32", shape: [4], numbers: [1, 1, 2, 2] },
    ],
  },
  { name: "GridSample 32 @28", op: "GridSample", inputs: [float(2, 32, 28, 28), float(2, 28, 28, 2)] },
];
