/** @file Matrix products, attention, recurrent networks and the losses of classifiers. */
import { softmaxCrossEntropy } from "../../compiler/loss/terms.js";
import type { BenchCase } from "./case.js";
import { below, decomposed, float, several, single } from "./case.js";

export function matrices(limit: number): readonly BenchCase[] {
  return [
    single("MatMul", "rows 512x256 * 256x1024", [float(4, 128, 256), float(256, 1024)], { limit }),
    single("MatMul", "rows 512x1024 * 1024x256", [float(4, 128, 1024), float(1024, 256)], { limit }),
    single("MatMul", "q*k 16x128x64", [float(4, 4, 128, 64), float(4, 4, 64, 128)], { limit }),
    single("MatMul", "attention*v 16x128x64", [float(4, 4, 128, 128), float(4, 4, 128, 64)], { limit }),
    single("Gemm", "64x784 * 784x512", [float(64, 784), float(784, 512), float(512)], { limit }),
    single("Gemm", "512x256 * (1024x256)T", [float(512, 256), float(1024, 256), float(1024)], {
      attrs: { transB: 1 },
      limit,
    }),
    several(
      "attention block 4 heads 4x128x256",
      [float(4, 128, 256), float(256), float(256), float(256, 768), float(256, 256)],
      (b, [x, scale, bias, wqkv, wo]) => {
        const rows = b.emit("LayerNormalization", [x, scale, bias]);
        const projected = b.emit("Reshape", [b.emit("MatMul", [rows, wqkv]), b.int64s([4, 128, 3, 4, 64])]);
        const parts = b.emitMany("Split", [projected, b.int64s([1, 1, 1])], 3, { axis: 2 });
        const [q, k, v] = parts.map((part, at) =>
          b.emit("Transpose", [b.emit("Reshape", [part, b.int64s([4, 128, 4, 64])])], {
            perm: at === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3],
          }),
        );
        const scores = b.emit("Mul", [b.emit("MatMul", [q, k]), b.scalar(1 / 8, "float32")]);
        const mixed = b.emit("MatMul", [b.emit("Softmax", [scores]), v]);
        const joined = b.emit("Reshape", [
          b.emit("Transpose", [mixed], { perm: [0, 2, 1, 3] }),
          b.int64s([4, 128, 256]),
        ]);
        return [b.emit("Add", [x, b.emit("MatMul", [joined, wo])])];
      },
    ),
    decomposed("LSTM", "32 steps 16x128>128", [float(32, 16, 128), float(1, 512, 128), float(1, 512, 128)], {
      hidden_size: 128,
    }),
    decomposed("GRU", "32 steps 16x128>128", [float(32, 16, 128), float(1, 384, 128), float(1, 384, 128)], {
      hidden_size: 128,
    }),
    several("cross entropy 512x6144", [float(512, 6144), below(6144, 512)], (b, [logits, target]) => [
      softmaxCrossEntropy(b, logits!, target!, { axis: 1, ignoreIndex: undefined }),
    ]),
  ];
}
