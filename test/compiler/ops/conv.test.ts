/** @file Convolution: output sizes, the form of each gradient, arithmetic, refusals. */
import { describe, expect, test } from "vitest";
import type { OpAttrs } from "../../../compiler/ops/types.js";
import { floats } from "../../contract/op-samples/sample.js";
import { flopsOf, gradientText, refusalOf, typesOf } from "../../support/op-text.js";

type Attrs = Partial<OpAttrs["Conv"]>;
const conv = (x: readonly number[], w: readonly number[], attrs: Attrs = {}, bias?: readonly number[]) =>
  ({ op: "Conv", attrs, inputs: [floats(x), floats(w), bias && floats(bias)] }) as const;

describe("output sizes", () => {
  test.each<[string, readonly number[], readonly number[], Attrs, string]>([
    ["plain", [2, 3, 5, 4], [4, 3, 3, 2], {}, "float32[2,4,3,3]"],
    [
      "a stride that leaves a remainder",
      [1, 2, 8, 7],
      [2, 2, 3, 3],
      { strides: [3, 2], pads: [1, 0, 0, 1] },
      "float32[1,2,3,3]",
    ],
    ["dilation", [1, 1, 7], [1, 1, 3], { dilations: [3] }, "float32[1,1,1]"],
    ["SAME_UPPER", [1, 1, 5, 6], [1, 1, 2, 4], { auto_pad: "SAME_UPPER", strides: [2, 1] }, "float32[1,1,3,6]"],
    [
      "SAME_LOWER with a dilation",
      [1, 1, 9],
      [1, 1, 3],
      { auto_pad: "SAME_LOWER", dilations: [2], strides: [2] },
      "float32[1,1,5]",
    ],
    ["VALID ignores pads", [1, 1, 5], [1, 1, 2], { auto_pad: "VALID", pads: [1, 1] }, "float32[1,1,4]"],
    ["groups", [1, 4, 3, 3, 3], [6, 2, 1, 2, 3], { group: 2 }, "float32[1,6,3,2,1]"],
    ["no batch", [0, 1, 3], [2, 1, 3], {}, "float32[0,2,1]"],
  ])("%s", (_name, x, w, attrs, type) => {
    expect(typesOf(conv(x, w, attrs))).toEqual([type]);
  });
});

/** The ops of the backward pass in order, runs of the same written once. */
function opsOf(sample: ReturnType<typeof conv>): string {
  const ops = [...gradientText(sample).matchAll(/ = (\w+)\(/g)].map(([, op]) => op);
  return ops.filter((op, at) => op !== ops[at - 1]).join(" ");
}

describe("gradients", () => {
  test("few positions: one product over all taps", () => {
    expect(gradientText(conv([1, 16, 4, 4], [8, 16, 1, 2], { pads: [0, 1, 0, 0] }, [8]))).toMatchInlineSnapshot(`
      "
      ConvTranspose_1_0 = ConvTranspose(dy, x1) auto_pad="NOTSET" dilations=[1,1] group=1 output_padding=[0,0] pads=[0,1,0,0] strides=[1,1] : float32[1,16,4,4]
      Reshape_2_0 = Reshape(dy, {8, 1, 4, 4}) allowzero=0 : float32[8,1,4,4]
      Reshape_3_0 = Reshape(Reshape_2_0, {8, 16}) allowzero=0 : float32[8,16]
      Reshape_4_0 = Reshape(x0, {16, 1, 4, 4}) allowzero=0 : float32[16,1,4,4]
      Pad_5_0 = Pad(Reshape_4_0, {0, 0, 0, 1, 0, 0, 0, 0}) mode="constant" : float32[16,1,4,5]
      Slice_6_0 = Slice(Pad_5_0, {0}, {4}, {3}, {1}) : float32[16,1,4,4]
      Reshape_7_0 = Reshape(Slice_6_0, {16, 16}) allowzero=0 : float32[16,16]
      Reshape_8_0 = Reshape(Reshape_7_0, {16, 1, 16}) allowzero=0 : float32[16,1,16]
      Slice_9_0 = Slice(Pad_5_0, {1}, {5}, {3}, {1}) : float32[16,1,4,4]
      Reshape_10_0 = Reshape(Slice_9_0, {16, 16}) allowzero=0 : float32[16,16]
      Reshape_11_0 = Reshape(Reshape_10_0, {16, 1, 16}) allowzero=0 : float32[16,1,16]
      Concat_12_0 = Concat(Reshape_8_0, Reshape_11_0) axis=1 : float32[16,2,16]
      Reshape_13_0 = Reshape(Concat_12_0, {32, 16}) allowzero=0 : float32[32,16]
      Gemm_14_0 = Gemm(Reshape_3_0, Reshape_13_0) alpha=1 beta=1 transA=0 transB=1 : float32[8,32]
      Reshape_15_0 = Reshape(Gemm_14_0, {8, 16, 1, 2}) allowzero=0 : float32[8,16,1,2]
      ReduceSum_16_0 = ReduceSum(dy, {0, 2, 3}) keepdims=0 noop_with_empty_axes=0 : float32[8]
      dx0 = ConvTranspose_1_0
      dx1 = Reshape_15_0
      dx2 = ReduceSum_16_0
      "
    `);
  });

  test.each<[string, string, ReturnType<typeof conv>]>([
    [
      "many positions: one product per tap",
      "ConvTranspose Reshape Slice Reshape Gemm Slice Reshape Gemm Concat Reshape Transpose Reshape",
      conv([1, 16, 8, 80], [64, 16, 1, 2]),
    ],
    [
      "large image, small weight: the input gradient is a convolution",
      "Slice Reshape Transpose Reshape Conv Transpose Reshape Transpose Slice Reshape Gemm Slice Reshape Gemm Concat Reshape Transpose Reshape",
      conv([2, 16, 24, 24], [4, 16, 1, 2]),
    ],
    [
      "few channels: taps as rows",
      "ConvTranspose Transpose Slice Reshape Slice Reshape Concat Transpose Reshape Gemm Reshape Transpose Reshape",
      conv([2, 3, 16, 16], [4, 3, 1, 2]),
    ],
    [
      "a stride: the last axis split by remainder",
      "ConvTranspose Transpose Reshape Transpose Reshape Slice Reshape Slice Reshape Concat Transpose Reshape Gemm Reshape Transpose Reshape",
      conv([2, 3, 16, 16], [4, 3, 1, 2], { strides: [2, 2] }),
    ],
    [
      "few channels and many taps: operands exchanged",
      "ConvTranspose Reshape Transpose Reshape Transpose Conv Slice Transpose",
      conv([2, 3, 16, 16], [4, 3, 7, 7], { strides: [2, 2] }),
    ],
    [
      "few channels in patches: operands exchanged",
      "ConvTranspose Reshape Transpose Reshape Transpose Conv Transpose",
      conv([2, 3, 16, 16], [4, 3, 4, 4], { strides: [4, 4] }),
    ],
    [
      "few outputs and many taps: operands exchanged",
      "ConvTranspose Reshape Transpose Reshape Transpose Conv Transpose",
      conv([2, 8, 16, 16], [1, 8, 5, 5]),
    ],
    [
      "pointwise",
      "Reshape Transpose Reshape Conv Transpose Reshape Transpose Reshape Gemm Reshape",
      conv([2, 16, 4, 4], [4, 16, 1, 1]),
    ],
    [
      "pointwise, many more channels: one product per image",
      "Reshape Transpose Reshape Conv Reshape Transpose Reshape MatMul ReduceSum Reshape",
      conv([2, 16, 16, 16], [64, 16, 1, 1]),
    ],
    [
      "pointwise with a stride: only rows that count",
      "ConvTranspose Transpose Reshape Slice Transpose Reshape Transpose Reshape Slice Reshape Gemm Reshape",
      conv([2, 16, 4, 4], [4, 16, 1, 1], { strides: [2, 2] }),
    ],
    [
      "depthwise",
      "Slice Reshape Conv Slice Mul ReduceSum Reshape Slice Mul ReduceSum Reshape Concat Reshape",
      conv([2, 4, 6, 6], [4, 1, 1, 2], { group: 4 }),
    ],
    [
      "depthwise with a stride",
      "ConvTranspose Reshape Transpose Reshape Slice Reshape Mul ReduceSum Reshape Slice Reshape Mul ReduceSum Reshape Concat Reshape",
      conv([2, 4, 6, 6], [4, 1, 1, 2], { group: 4, strides: [2, 2] }),
    ],
    [
      "depthwise with a stride and many taps",
      "ConvTranspose Reshape Transpose Reshape Transpose Conv Slice Transpose",
      conv([2, 4, 6, 6], [4, 1, 5, 5], { group: 4, strides: [2, 2] }),
    ],
    [
      "groups of few channels: one stack of products per tap",
      "ConvTranspose Transpose Reshape Transpose Slice Reshape MatMul Slice Reshape MatMul Concat Reshape Transpose Reshape Transpose Reshape",
      conv([2, 4, 6, 6], [4, 2, 1, 2], { group: 2 }),
    ],
    [
      "few groups of many channels: each on its own",
      "Reshape Transpose Reshape Conv Split Transpose Reshape Transpose Reshape Gemm Reshape Transpose Reshape Transpose Reshape Gemm Reshape Concat",
      conv([2, 32, 2, 2], [4, 16, 1, 1], { group: 2 }),
    ],
    [
      "one axis: the input gradient on a plane of one row",
      "Reshape ConvTranspose Reshape Transpose Slice Reshape Slice Reshape Concat Transpose Reshape Gemm Reshape Transpose",
      conv([2, 4, 6], [4, 4, 2]),
    ],
  ])("%s", (_name, ops, sample) => {
    expect(opsOf(sample)).toBe(ops);
  });
});

test("counts two operations per multiply-add, none for the bias", () => {
  const attrs = { strides: [2, 2], pads: [3, 3, 3, 3] };
  expect(flopsOf(conv([1, 3, 224, 224], [64, 3, 7, 7], attrs, [64]))).toBe(2 * 64 * 112 * 112 * 3 * 49);
  expect(flopsOf(conv([1, 32, 8, 8], [32, 1, 3, 3], { group: 32, pads: [1, 1, 1, 1] }))).toBe(2 * 32 * 64 * 9);
});

test.each<[string, ReturnType<typeof conv>, string]>([
  [
    "no spatial axis",
    conv([2, 3], [4, 3]),
    "node Conv_0 (Conv): input 0 has no spatial axis; got [2,3], expected [N,C,…] with at least 3 axes.",
  ],
  [
    "a weight of another rank",
    conv([2, 3, 4, 4], [4, 3, 3]),
    "node Conv_0 (Conv): weight has another number of axes than the input; got [4,3,3] for [2,3,4,4].",
  ],
  [
    "another kernel_shape",
    conv([2, 3, 4, 4], [4, 3, 3, 3], { kernel_shape: [2, 2] }),
    'node Conv_0 (Conv): attribute "kernel_shape" contradicts the weight; got [2,2] and [4,3,3,3].',
  ],
  [
    "channels that do not fit",
    conv([2, 3, 4, 4], [4, 2, 3, 3]),
    "node Conv_0 (Conv): channels do not fit; got 3 in, 4 out, group=1 and a weight [4,2,3,3], expected a weight [M,3/group,…] with M a multiple of group.",
  ],
  [
    "groups that do not divide",
    conv([2, 4, 4, 4], [3, 2, 3, 3], { group: 2 }),
    "node Conv_0 (Conv): channels do not fit; got 4 in, 3 out, group=2 and a weight [3,2,3,3], expected a weight [M,4/group,…] with M a multiple of group.",
  ],
  [
    "a bias that does not fit",
    conv([2, 3, 4, 4], [4, 3, 3, 3], {}, [3]),
    "node Conv_0 (Conv): bias is wrong; got [3], expected [4].",
  ],
  [
    "a window that is too large",
    conv([2, 3, 4, 2], [4, 3, 3, 3]),
    "node Conv_0 (Conv): window does not fit spatial axis 1; got an extent of 3 over 2 elements with padding 0+0.",
  ],
  [
    "pads of the wrong length",
    conv([2, 3, 4, 4], [4, 3, 3, 3], { pads: [1, 1] }),
    'node Conv_0 (Conv): attribute "pads" is wrong; got [1,1], expected 4 numbers of at least 0.',
  ],
  [
    "negative pads",
    conv([2, 3, 4, 4], [4, 3, 3, 3], { pads: [0, 0, -1, 0] }),
    'node Conv_0 (Conv): attribute "pads" is wrong; got [0,0,-1,0], expected 4 numbers of at least 0.',
  ],
  [
    "a stride of 0",
    conv([2, 3, 4, 4], [4, 3, 3, 3], { strides: [1, 0] }),
    'node Conv_0 (Conv): attribute "strides" is wrong; got [1,0], expected 2 numbers of at least 1.',
  ],
  [
    "an unknown auto_pad",
    conv([2, 3, 4, 4], [4, 3, 3, 3], { auto_pad: "SAME" as never }),
    'node Conv_0 (Conv): attribute "auto_pad" is unknown; got "SAME", expected NOTSET, SAME_UPPER, SAME_LOWER or VALID.',
  ],
])("%s is refused", (_name, sample, message) => {
  expect(refusalOf(sample)).toBe(message);
});
