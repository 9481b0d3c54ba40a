/** @file Normalizations, softmax, activations, sums, and ops that move elements. */
import type { BenchCase, BenchInput } from "./case.js";
import { below, float, floats, int64s, single } from "./case.js";

function layerNorm(limit: number, ...shape: readonly number[]): BenchCase {
  const columns = float(shape.at(-1)!);
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const size = `${rows}x${shape.at(-1)}`;
  return single("LayerNormalization", size, [float(...shape), columns, columns], { limit });
}

function batchNorm(size: string, ...shape: readonly number[]): BenchCase {
  const channels = float(shape[1]!);
  const variance: BenchInput = { dtype: "float32", shape: [shape[1]!], below: 2 };
  return single("BatchNormalization", size, [float(...shape), channels, channels, channels, variance], {
    attrs: { training_mode: 1 },
    outputs: 3,
    wrt: [0, 1, 2],
  });
}

const image = float(2, 64, 56, 56);
const rows = float(512, 1024);
const doubled = [float(2, 64, 28, 28), floats(), floats(1, 1, 2, 2)];

export function elements(limit: number): readonly BenchCase[] {
  return [
    layerNorm(limit, 4, 128, 256),
    layerNorm(limit, 4, 128, 768),
    layerNorm(limit, 8, 256, 1024),
    layerNorm(limit, 64, 64),
    batchNorm("train 64 @56", 2, 64, 56, 56),
    batchNorm("train 512 @7", 2, 512, 7, 7),
    single("InstanceNormalization", "64 @56", [image, float(64), float(64)]),
    single("GroupNormalization", "64 g32 @56", [image, float(64), float(64)], { attrs: { num_groups: 32 } }),
    single("Softmax", "2048x128", [float(4, 4, 128, 128)], { limit }),
    single("Softmax", "512x1000", [float(512, 1000)], { limit }),
    single("LogSoftmax", "512x6144", [float(512, 6144)]),
    single("Relu", "2x64x56x56", [image]),
    single("Gelu", "512x1024", [rows]),
    single("Sigmoid", "512x1024", [rows]),
    single("Tanh", "512x1024", [rows]),
    single("Add", "512x1024 + 1024", [rows, float(1024)]),
    single("Mul", "512x1024 * same", [rows, rows]),
    single("ReduceMean", "512x1024 rows", [rows, int64s(1)]),
    single("Gather", "embedding 512 of 6144x256", [float(6144, 256), below(6144, 4, 128)]),
    single("GatherElements", "512 of 512x6144", [float(512, 6144), below(6144, 512, 1)], { attrs: { axis: 1 } }),
    single("ScatterND", "512 rows into 6144x256", [float(6144, 256), below(6144, 512, 1), float(512, 256)], {
      attrs: { reduction: "add" },
    }),
    single("Transpose", "heads 4x128x4x64", [float(4, 128, 4, 64)], { attrs: { perm: [0, 2, 1, 3] } }),
    single("Slice", "half of 4x128x768", [float(4, 128, 768), int64s(0), int64s(256), int64s(2)]),
    single("Concat", "2 of 2x64x28x28", [float(2, 64, 28, 28), float(2, 64, 28, 28)], { attrs: { axis: 1 } }),
    single("Resize", "nearest x2 64 @28", doubled, {
      attrs: { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    }),
    single("Resize", "linear x2 64 @28", doubled, { attrs: { mode: "linear" } }),
    single("GridSample", "32 @28", [float(2, 32, 28, 28), float(2, 28, 28, 2)]),
  ];
}
