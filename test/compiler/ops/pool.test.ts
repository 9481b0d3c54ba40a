/** @file Pools: output sizes, the gradient's forms and ties, refusals. */
import { afterAll, describe, expect, test } from "vitest";
import type { OpAttrs } from "../../../compiler/ops/types.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { floats, int64s } from "../../contract/op-samples/sample.js";
import { gradientsAt } from "../../support/op-at.js";
import { gradientText, refusalOf, typesOf } from "../../support/op-text.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

type Attrs = Partial<OpAttrs["MaxPool"]>;
const maxPool = (x: readonly number[], attrs: Attrs) => ({ op: "MaxPool", attrs, inputs: [floats(x)] }) as const;

test.each<[string, Attrs, string]>([
  ["plain", { kernel_shape: [2, 3] }, "float32[1,1,5,3]"],
  ["strides and pads", { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 0, 2, 1] }, "float32[1,1,4,2]"],
  ["ceil", { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }, "float32[1,1,3,3]"],
  [
    "ceil drops a window that starts in the end padding",
    { kernel_shape: [2, 2], strides: [3, 3], pads: [0, 0, 1, 1], ceil_mode: 1 },
    "float32[1,1,2,2]",
  ],
  ["SAME_LOWER", { kernel_shape: [3, 3], strides: [2, 2], auto_pad: "SAME_LOWER" }, "float32[1,1,3,3]"],
  ["dilations", { kernel_shape: [2, 2], dilations: [4, 1] }, "float32[1,1,2,4]"],
])("%s", (_name, attrs, type) => {
  expect(typesOf(maxPool([1, 1, 6, 5], attrs))).toEqual([type]);
});

describe("the gradient of a maximum", () => {
  test("windows that tile the plane are compared with their maxima", () => {
    expect(gradientText(maxPool([1, 1, 4, 5], { kernel_shape: [2, 2], strides: [2, 2] }))).toMatchInlineSnapshot(`
      "
      Slice_1_0 = Slice(x0, {0}, {4}, {3}, {1}) : float32[1,1,4,4]
      Resize_2_0 = Resize(y0, _, {1, 1, 2, 2}) antialias=0 coordinate_transformation_mode="asymmetric" cubic_coeff_a=-0.75 exclude_outside=0 extrapolation_value=0 keep_aspect_ratio_policy="stretch" mode="nearest" nearest_mode="floor" : float32[1,1,4,4]
      Equal_3_0 = Equal(Slice_1_0, Resize_2_0) : bool[1,1,4,4]
      Cast_4_0 = Cast(Equal_3_0) saturate=1 to=1 : float32[1,1,4,4]
      Reshape_5_0 = Reshape(Cast_4_0, {2, 2, 4}) allowzero=0 : float32[2,2,4]
      Mul_6_0 = Mul(Reshape_5_0, {4, 3, 4, 3, 2, 1, 2, 1}) : float32[2,2,4]
      Reshape_7_0 = Reshape(Mul_6_0, {1, 1, 4, 4}) allowzero=0 : float32[1,1,4,4]
      MaxPool_8_0 = MaxPool(Reshape_7_0) auto_pad="NOTSET" ceil_mode=0 kernel_shape=[2,2] storage_order=0 strides=[2,2] : float32[1,1,2,2]
      Resize_9_0 = Resize(MaxPool_8_0, _, {1, 1, 2, 2}) antialias=0 coordinate_transformation_mode="asymmetric" cubic_coeff_a=-0.75 exclude_outside=0 extrapolation_value=0 keep_aspect_ratio_policy="stretch" mode="nearest" nearest_mode="floor" : float32[1,1,4,4]
      Equal_10_0 = Equal(Reshape_7_0, Resize_9_0) : bool[1,1,4,4]
      Resize_11_0 = Resize(dy, _, {1, 1, 2, 2}) antialias=0 coordinate_transformation_mode="asymmetric" cubic_coeff_a=-0.75 exclude_outside=0 extrapolation_value=0 keep_aspect_ratio_policy="stretch" mode="nearest" nearest_mode="floor" : float32[1,1,4,4]
      Where_12_0 = Where(Equal_10_0, Resize_11_0, 0) : float32[1,1,4,4]
      Pad_13_0 = Pad(Where_12_0, {0, 0, 0, 0, 0, 0, 0, 1}) mode="constant" : float32[1,1,4,5]
      dx0 = Pad_13_0
      "
    `);
  });

  test("others scatter to the places of their maxima", () => {
    expect(gradientText(maxPool([1, 1, 4, 4], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }))).toMatchInlineSnapshot(`
      "
      MaxPool_1_0, MaxPool_1_1 = MaxPool(x0) auto_pad="NOTSET" ceil_mode=0 kernel_shape=[3,3] pads=[1,1,1,1] storage_order=0 : float32[1,1,4,4], int64[1,1,4,4]
      ConstantOfShape_2_0 = ConstantOfShape({16}) value={0} : float32[16]
      Reshape_3_0 = Reshape(MaxPool_1_1, {16}) allowzero=0 : int64[16]
      Reshape_4_0 = Reshape(dy, {16}) allowzero=0 : float32[16]
      ScatterElements_5_0 = ScatterElements(ConstantOfShape_2_0, Reshape_3_0, Reshape_4_0) axis=0 reduction="add" : float32[16]
      Reshape_6_0 = Reshape(ScatterElements_5_0, {1, 1, 4, 4}) allowzero=0 : float32[1,1,4,4]
      dx0 = Reshape_6_0
      "
    `);
  });

  test.each<[string, Attrs, readonly number[], readonly number[]]>([
    ["tiles", { kernel_shape: [2, 2], strides: [2, 2] }, [1, 2], [1, 0, 0, 0, 0, 0, 2, 0]],
    [
      "overlapping windows",
      { kernel_shape: [2, 2], strides: [1, 2], pads: [0, 0, 1, 0] },
      [1, 2, 1, 2],
      [1, 0, 0, 0, 1, 0, 4, 0],
    ],
  ])("goes to the first of equals: %s", (_name, attrs, upstream, expected) => {
    const x = { ...floats([1, 1, 2, 4]), numbers: [5, 5, 0, 1, 5, 5, 2, 2] };
    expect(gradientsAt(engine, { op: "MaxPool", attrs, inputs: [x] }, upstream)).toEqual([expected]);
  });

  test("a global maximum is shared by all that attain it", () => {
    const x = { ...floats([1, 1, 3]), numbers: [1, 3, 3] };
    expect(gradientsAt(engine, { op: "GlobalMaxPool", inputs: [x] })).toEqual([[0, 0.5, 0.5]]);
  });
});

test("an average hands on equal shares of what its window holds", () => {
  const attrs = { kernel_shape: [3], strides: [2], pads: [1, 1] };
  const inputs = [floats([1, 1, 4])];
  expect(gradientText({ op: "AveragePool", attrs, inputs })).toMatchInlineSnapshot(`
    "
    Mul_1_0 = Mul(dy, {0.5, 0.3333333432674408}) : float32[1,1,2]
    ConvTranspose_2_0 = ConvTranspose(Mul_1_0, {1, 1, 1}) auto_pad="NOTSET" dilations=[1] group=1 output_padding=[0] pads=[1,0] strides=[2] : float32[1,1,4]
    dx0 = ConvTranspose_2_0
    "
  `);
  expect(gradientText({ op: "GlobalAveragePool", inputs: [floats([2, 3, 2, 2])] })).toMatchInlineSnapshot(`
    "
    Reshape_1_0 = Reshape(dy, {6, 1}) allowzero=0 : float32[6,1]
    MatMul_2_0 = MatMul(Reshape_1_0, {0.25, 0.25, 0.25, 0.25}) : float32[6,4]
    Reshape_3_0 = Reshape(MatMul_2_0, {2, 3, 2, 2}) allowzero=0 : float32[2,3,2,2]
    dx0 = Reshape_3_0
    "
  `);
});

test("MaxUnpool gives what its window covers, or the size it is told", () => {
  const indices = { dtype: "int64", shape: [1, 1, 2, 2], numbers: [0, 1, 2, 3] } as const;
  const attrs = { kernel_shape: [2, 2], strides: [2, 2] };
  expect(typesOf({ op: "MaxUnpool", attrs, inputs: [floats([1, 1, 2, 2]), indices] })).toEqual(["float32[1,1,4,4]"]);
  const sized = [floats([1, 1, 2, 2]), indices, int64s(1, 1, 5, 6)];
  expect(typesOf({ op: "MaxUnpool", attrs, inputs: sized })).toEqual(["float32[1,1,5,6]"]);
});

test.each<[string, Attrs, string]>([
  ["no kernel_shape", {}, 'node MaxPool_0 (MaxPool): attribute "kernel_shape" is missing and has no default.'],
  [
    "a kernel of another rank",
    { kernel_shape: [2] },
    'node MaxPool_0 (MaxPool): attribute "kernel_shape" is wrong; got [2], expected 2 numbers of at least 1.',
  ],
  [
    "a window that is too large",
    { kernel_shape: [7, 2] },
    "node MaxPool_0 (MaxPool): window does not fit spatial axis 0; got an extent of 7 over 6 elements with padding 0+0.",
  ],
])("%s is refused", (_name, attrs, message) => {
  expect(refusalOf(maxPool([1, 1, 6, 5], attrs))).toBe(message);
});
