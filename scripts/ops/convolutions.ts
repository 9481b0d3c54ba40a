/** @file Convolutions of well-known networks, and pools. */
import type { Shape } from "../../compiler/ir/graph.js";
import type { OpAttrs } from "../../compiler/ops/types.js";
import type { BenchCase } from "./case.js";
import { float, single } from "./case.js";

const SAME = { pads: [1, 1, 1, 1] };

interface ConvSize {
  readonly name: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly attrs?: Partial<OpAttrs["Conv"]>;
}

/** The input of a network has no gradient. */
const firstLayers: readonly ConvSize[] = [
  {
    name: "first 7x7 s2 3>64 @112",
    x: [4, 3, 112, 112],
    w: [64, 3, 7, 7],
    attrs: { strides: [2, 2], pads: [3, 3, 3, 3] },
  },
  { name: "first 3x3 3>64 @64", x: [4, 3, 64, 64], w: [64, 3, 3, 3], attrs: SAME },
  { name: "first 3x3 s2 3>32 @64", x: [4, 3, 64, 64], w: [32, 3, 3, 3], attrs: { ...SAME, strides: [2, 2] } },
  { name: "first 5x5 1>6 @28", x: [16, 1, 28, 28], w: [6, 1, 5, 5], attrs: { pads: [2, 2, 2, 2] } },
  { name: "first 16x16 s16 3>192 @224", x: [1, 3, 224, 224], w: [192, 3, 16, 16], attrs: { strides: [16, 16] } },
];

const innerLayers: readonly ConvSize[] = [
  { name: "3x3 3>32 @64", x: [4, 3, 64, 64], w: [32, 3, 3, 3], attrs: SAME },
  { name: "5x5 6>16 @14", x: [16, 6, 14, 14], w: [16, 6, 5, 5] },
  { name: "3x3 16>16 @32", x: [4, 16, 32, 32], w: [16, 16, 3, 3], attrs: SAME },
  { name: "3x3 64>64 @56", x: [2, 64, 56, 56], w: [64, 64, 3, 3], attrs: SAME },
  { name: "3x3 s2 64>128 @56", x: [2, 64, 56, 56], w: [128, 64, 3, 3], attrs: { ...SAME, strides: [2, 2] } },
  { name: "3x3 128>128 @28", x: [2, 128, 28, 28], w: [128, 128, 3, 3], attrs: SAME },
  { name: "3x3 256>256 @14", x: [2, 256, 14, 14], w: [256, 256, 3, 3], attrs: SAME },
  { name: "3x3 512>512 @7", x: [2, 512, 7, 7], w: [512, 512, 3, 3], attrs: SAME },
  { name: "3x3 32>64 @14 batch 16", x: [16, 32, 14, 14], w: [64, 32, 3, 3], attrs: SAME },
  {
    name: "3x3 d2 64>64 @28",
    x: [2, 64, 28, 28],
    w: [64, 64, 3, 3],
    attrs: { pads: [2, 2, 2, 2], dilations: [2, 2] },
  },
  { name: "1x1 64>256 @56", x: [2, 64, 56, 56], w: [256, 64, 1, 1] },
  { name: "1x1 256>64 @28", x: [2, 256, 28, 28], w: [64, 256, 1, 1] },
  { name: "1x1 s2 256>512 @28", x: [2, 256, 28, 28], w: [512, 256, 1, 1], attrs: { strides: [2, 2] } },
  { name: "1x7 128>128 @17", x: [2, 128, 17, 17], w: [128, 128, 1, 7], attrs: { pads: [0, 3, 0, 3] } },
  { name: "1-d 3 64>64 @256", x: [4, 64, 256], w: [64, 64, 3], attrs: { pads: [1, 1] } },
];

const groupedLayers: readonly ConvSize[] = [
  { name: "depthwise 3x3 96 @28", x: [2, 96, 28, 28], w: [96, 1, 3, 3], attrs: { ...SAME, group: 96 } },
  {
    name: "depthwise 3x3 s2 96 @28",
    x: [2, 96, 28, 28],
    w: [96, 1, 3, 3],
    attrs: { ...SAME, group: 96, strides: [2, 2] },
  },
  {
    name: "depthwise 5x5 s2 96 @28",
    x: [2, 96, 28, 28],
    w: [96, 1, 5, 5],
    attrs: { group: 96, strides: [2, 2], pads: [2, 2, 2, 2] },
  },
  { name: "grouped 3x3 128 g32 @28", x: [2, 128, 28, 28], w: [128, 4, 3, 3], attrs: { ...SAME, group: 32 } },
  { name: "grouped 3x3 256 g2 @14", x: [2, 256, 14, 14], w: [256, 128, 3, 3], attrs: { ...SAME, group: 2 } },
];

function conv(
  { name, x, w, attrs = {} }: ConvSize,
  rest: { readonly wrt?: readonly number[]; readonly limit?: number },
) {
  return single("Conv", name, [float(...x), float(...w), float(w[0]!)], { attrs, ...rest });
}

const pool2 = { kernel_shape: [2, 2], strides: [2, 2] };

export function convolutions(limit: number): readonly BenchCase[] {
  return [
    ...firstLayers.map((size) => conv(size, { wrt: [1, 2], limit })),
    ...innerLayers.map((size) => conv(size, { limit })),
    ...groupedLayers.map((size) => conv(size, {})),
    single("ConvTranspose", "4x4 s2 64>32 @14", [float(4, 64, 14, 14), float(64, 32, 4, 4), float(32)], {
      attrs: { strides: [2, 2], pads: [1, 1, 1, 1] },
    }),
    single("MaxPool", "3x3 s2 64 @56", [float(2, 64, 56, 56)], {
      attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    }),
    single("MaxPool", "2x2 s2 64 @56", [float(2, 64, 56, 56)], { attrs: pool2 }),
    single("AveragePool", "2x2 s2 64 @56", [float(2, 64, 56, 56)], { attrs: pool2 }),
    single("GlobalAveragePool", "512 @7", [float(8, 512, 7, 7)]),
  ];
}
