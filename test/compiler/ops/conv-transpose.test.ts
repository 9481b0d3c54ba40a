/** @file Transposed convolution: output sizes by ONNX's rules, gradient, arithmetic, refusals. */
import { expect, test } from "vitest";
import type { OpAttrs } from "../../../compiler/ops/types.js";
import { floats } from "../../contract/op-samples/sample.js";
import { flopsOf, gradientText, refusalOf, typesOf } from "../../support/op-text.js";

type Attrs = Partial<OpAttrs["ConvTranspose"]>;
const convTranspose = (x: readonly number[], w: readonly number[], attrs: Attrs = {}) =>
  ({ op: "ConvTranspose", attrs, inputs: [floats(x), floats(w)] }) as const;

test.each<[string, Attrs, string]>([
  ["plain", {}, "float32[1,3,5,6]"],
  ["strides", { strides: [2, 3] }, "float32[1,3,7,12]"],
  ["pads and output padding", { strides: [2, 3], pads: [1, 0, 0, 2], output_padding: [1, 2] }, "float32[1,3,7,12]"],
  ["dilations", { dilations: [2, 1] }, "float32[1,3,7,6]"],
  ["SAME_UPPER", { strides: [2, 2], auto_pad: "SAME_UPPER" }, "float32[1,3,6,8]"],
  ["output_shape", { strides: [2, 2], output_shape: [8, 7] }, "float32[1,3,8,7]"],
  ["output_shape with batch and channels", { strides: [2, 2], output_shape: [1, 3, 8, 7] }, "float32[1,3,8,7]"],
  ["groups", { group: 2 }, "float32[1,6,5,6]"],
])("%s", (_name, attrs, type) => {
  expect(typesOf(convTranspose([1, 2, 3, 4], [2, 3, 3, 3], attrs))).toEqual([type]);
});

test("its input gradient is a convolution, its weight gradient that of one", () => {
  const sample = convTranspose([1, 16, 2, 2], [16, 4, 1, 2], { strides: [1, 2] });
  expect(gradientText(sample)).toMatchInlineSnapshot(`
    "
    Conv_1_0 = Conv(dy, x1) auto_pad="NOTSET" dilations=[1,1] group=1 pads=[0,0,0,0] strides=[1,2] : float32[1,16,2,2]
    Reshape_2_0 = Reshape(dy, {4, 1, 2, 4}) allowzero=0 : float32[4,1,2,4]
    Reshape_3_0 = Reshape(Reshape_2_0, {16, 2}) allowzero=0 : float32[16,2]
    Transpose_4_0 = Transpose(Reshape_3_0) perm=[1,0] : float32[2,16]
    Reshape_5_0 = Reshape(Transpose_4_0, {2, 4, 1, 2, 2}) allowzero=0 : float32[2,4,1,2,2]
    Slice_6_0 = Slice(Reshape_5_0, {0}, {1}, {0}, {1}) : float32[1,4,1,2,2]
    Reshape_7_0 = Reshape(Slice_6_0, {4, 1, 2, 2}) allowzero=0 : float32[4,1,2,2]
    Reshape_8_0 = Reshape(Reshape_7_0, {4, 4}) allowzero=0 : float32[4,4]
    Slice_9_0 = Slice(Reshape_5_0, {1}, {2}, {0}, {1}) : float32[1,4,1,2,2]
    Reshape_10_0 = Reshape(Slice_9_0, {4, 1, 2, 2}) allowzero=0 : float32[4,1,2,2]
    Reshape_11_0 = Reshape(Reshape_10_0, {4, 4}) allowzero=0 : float32[4,4]
    Concat_12_0 = Concat(Reshape_8_0, Reshape_11_0) axis=0 : float32[8,4]
    Reshape_13_0 = Reshape(x0, {16, 1, 2, 2}) allowzero=0 : float32[16,1,2,2]
    Reshape_14_0 = Reshape(Reshape_13_0, {16, 4}) allowzero=0 : float32[16,4]
    Gemm_15_0 = Gemm(Concat_12_0, Reshape_14_0) alpha=1 beta=1 transA=0 transB=1 : float32[8,16]
    Reshape_16_0 = Reshape(Gemm_15_0, {2, 4, 16}) allowzero=0 : float32[2,4,16]
    Transpose_17_0 = Transpose(Reshape_16_0) perm=[2,1,0] : float32[16,4,2]
    Reshape_18_0 = Reshape(Transpose_17_0, {16, 4, 1, 2}) allowzero=0 : float32[16,4,1,2]
    dx0 = Conv_1_0
    dx1 = Reshape_18_0
    "
  `);
});

test("counts two operations per multiply-add", () => {
  expect(flopsOf(convTranspose([2, 4, 3, 3], [4, 5, 2, 2], { strides: [2, 2] }))).toBe(2 * 2 * 4 * 9 * 5 * 4);
});

test.each<[string, ReturnType<typeof convTranspose>, string]>([
  [
    "channels that do not fit",
    convTranspose([1, 2, 3, 3], [3, 2, 2, 2]),
    "node ConvTranspose_0 (ConvTranspose): channels do not fit; got 2 in, group=1 and a weight [3,2,2,2], expected a weight [2,M/group,…].",
  ],
  [
    "groups that do not divide",
    convTranspose([1, 3, 3, 3], [3, 2, 2, 2], { group: 2 }),
    "node ConvTranspose_0 (ConvTranspose): channels do not fit; got 3 in, group=2 and a weight [3,2,2,2], expected a weight [3,M/group,…].",
  ],
  [
    "padding that crops too much",
    convTranspose([1, 1, 2, 2], [1, 1, 2, 2], { pads: [2, 0, 2, 0] }),
    "node ConvTranspose_0 (ConvTranspose): padding crops more than there is; the output would be [-1,3].",
  ],
  [
    "output padding of a whole stride",
    convTranspose([1, 1, 2, 2], [1, 1, 2, 2], { strides: [2, 1], output_padding: [1, 1], dilations: [1, 2] }),
    "node ConvTranspose_0 (ConvTranspose): output_padding is too large; got [1,1], expected less than the strides [2,1].",
  ],
  [
    "an output_shape of the wrong length",
    convTranspose([1, 1, 2, 2], [1, 1, 2, 2], { output_shape: [4] }),
    'node ConvTranspose_0 (ConvTranspose): attribute "output_shape" is wrong; got [4], expected 2 numbers.',
  ],
])("%s is refused", (_name, sample, message) => {
  expect(refusalOf(sample)).toBe(message);
});
