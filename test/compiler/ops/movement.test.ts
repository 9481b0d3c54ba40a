/** @file Ops that move elements: shapes, gradients as text, refusals. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { reshapedShape } from "../../../compiler/ops/movement.js";
import type { OpSample } from "../../contract/op-samples/sample.js";
import { floats, int64s } from "../../contract/op-samples/sample.js";
import { gradientText, refusalOf, typesOf } from "../../support/op-text.js";

const x = floats([2, 3, 4]);
const far = 2 ** 62;

test.each<[string, OpSample, readonly string[]]>([
  ["zero copies a size", { op: "Reshape", inputs: [x, int64s(0, -1)] }, ["float32[2,12]"]],
  [
    "zero is zero",
    { op: "Reshape", attrs: { allowzero: 1 }, inputs: [floats([0, 4]), int64s(2, 0)] },
    ["float32[2,0]"],
  ],
  ["flatten before the first axis", { op: "Flatten", attrs: { axis: 0 }, inputs: [x] }, ["float32[1,24]"]],
  ["squeeze all", { op: "Squeeze", inputs: [floats([1, 2, 1])] }, ["float32[2]"]],
  [
    "unsqueeze counts axes of the result",
    { op: "Unsqueeze", inputs: [floats([2, 3]), int64s(-1, 1)] },
    ["float32[2,1,3,1]"],
  ],
  ["expand keeps larger sizes", { op: "Expand", inputs: [floats([3, 1]), int64s(1, 1, 4)] }, ["float32[1,3,4]"]],
  [
    "slice backwards",
    { op: "Slice", inputs: [x, int64s(far), int64s(-far), int64s(2), int64s(-3)] },
    ["float32[2,3,2]"],
  ],
  ["slice nothing", { op: "Slice", inputs: [x, int64s(3), int64s(1), int64s(-1)] }, ["float32[2,3,0]"]],
  [
    "split unevenly",
    { op: "Split", attrs: { axis: 2, num_outputs: 3 }, inputs: [floats([1, 1, 7])], outputs: 3 },
    ["float32[1,1,3]", "float32[1,1,3]", "float32[1,1,1]"],
  ],
  ["pad and crop", { op: "Pad", inputs: [x, int64s(1, -2), undefined, int64s(-1)] }, ["float32[2,3,3]"]],
  [
    "crop and pad around the center",
    { op: "CenterCropPad", attrs: { axes: [2, 0] }, inputs: [x, int64s(1, 5)] },
    ["float32[5,3,1]"],
  ],
])("%s", (_name, sample, types) => {
  expect(typesOf(sample)).toEqual(types);
});

describe("gradients", () => {
  test.each<[string, OpSample, string]>([
    [
      "a slice is padded back",
      { op: "Slice", inputs: [x, int64s(1), int64s(3), int64s(2)] },
      `
Pad_1_0 = Pad(dy, {0, 0, 1, 0, 0, 1}) mode="constant" : float32[2,3,4]
dx0 = Pad_1_0
`,
    ],
    [
      "a slice with steps is spread, backwards ones turned first",
      { op: "Slice", inputs: [floats([5]), int64s(-1), int64s(-far), int64s(0), int64s(-2)] },
      `
Slice_1_0 = Slice(dy, {-1}, {-2147483648}, {0}, {-1}) : float32[3]
Reshape_2_0 = Reshape(Slice_1_0, {3, 1}) allowzero=0 : float32[3,1]
Pad_3_0 = Pad(Reshape_2_0, {0, 0, 0, 1}) mode="constant" : float32[3,2]
Reshape_4_0 = Reshape(Pad_3_0, {6}) allowzero=0 : float32[6]
Pad_5_0 = Pad(Reshape_4_0, {0, -1}) mode="constant" : float32[5]
dx0 = Pad_5_0
`,
    ],
    [
      "a concatenation is split",
      { op: "Concat", attrs: { axis: 1 }, inputs: [floats([2, 1]), floats([2, 3])] },
      `
Split_1_0, Split_1_1 = Split(dy, {1, 3}) axis=1 : float32[2,1], float32[2,3]
dx0 = Split_1_0
dx1 = Split_1_1
`,
    ],
    [
      "a repeated axis is summed",
      { op: "Tile", inputs: [floats([2, 3]), int64s(1, 2)] },
      `
Reshape_1_0 = Reshape(dy, {2, 2, 3}) allowzero=0 : float32[2,2,3]
ReduceSum_2_0 = ReduceSum(Reshape_1_0, {1}) keepdims=0 noop_with_empty_axes=0 : float32[2,3]
dx0 = ReduceSum_2_0
`,
    ],
    [
      "a padding is cropped",
      { op: "Pad", inputs: [floats([2, 3]), int64s(0, 1, 0, 2)] },
      `
Pad_1_0 = Pad(dy, {0, -1, 0, -2}) mode="constant" : float32[2,3]
dx0 = Pad_1_0
`,
    ],
    [
      "copies go back to where they are from",
      { op: "Pad", attrs: { mode: "reflect" }, inputs: [floats([3]), int64s(2, 0)] },
      `
ConstantOfShape_1_0 = ConstantOfShape({3}) value={0} : float32[3]
Reshape_2_0 = Reshape({2, 1, 0, 1, 2}, {5, 1}) allowzero=0 : int64[5,1]
ScatterND_3_0 = ScatterND(ConstantOfShape_1_0, Reshape_2_0, dy) reduction="add" : float32[3]
dx0 = ScatterND_3_0
`,
    ],
  ])("%s", (_name, sample, nodes) => {
    expect(gradientText(sample)).toBe(nodes);
  });

  test("an unused part of a split counts as zeros", () => {
    const builder = new GraphBuilder(OPS);
    const value = builder.input("x", { dtype: "float32", shape: [4, 2] });
    const dy = builder.input("dy", { dtype: "float32", shape: [1, 2] });
    const rule = OPS.Split.grad;
    if (typeof rule !== "function") throw new Error("Split has no rule");
    const y = builder.emitMany("Split", [value, builder.int64s([1, 3])], 2);
    rule(builder, { x: [value, builder.int64s([1, 3])], y, dy: [dy, undefined], attrs: { axis: 0 } });
    expect(builder.nodes.map(({ op }) => op)).toEqual(["Split", "ConstantOfShape", "Concat"]);
  });
});

const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

test("a reshape with one free axis keeps the number of elements", () => {
  fc.assert(
    fc.property(sizes, fc.nat(3), (shape, at) => {
      fc.pre(shape.length > 0);
      const free = at % shape.length;
      const wanted = shape.map((size, axis) => (axis === free ? -1 : size));
      expect(reshapedShape(shape, wanted, false)).toEqual(shape);
    }),
    { numRuns: 100, seed: 1 },
  );
});

test.each<[string, OpSample, string]>([
  [
    "another number of elements",
    { op: "Reshape", inputs: [x, int64s(5, 5)] },
    "node Reshape_0 (Reshape): cannot reshape [2,3,4] to [5,5]: it holds 25 elements; expected 24 elements.",
  ],
  [
    "two free axes",
    { op: "Reshape", inputs: [x, int64s(-1, -1)] },
    "node Reshape_0 (Reshape): cannot reshape [2,3,4] to [-1,-1]: 2 axes are left to infer; expected 24 elements.",
  ],
  [
    "a free axis that does not divide",
    { op: "Reshape", inputs: [x, int64s(5, -1)] },
    "node Reshape_0 (Reshape): cannot reshape [2,3,4] to [5,-1]: the others hold 5 elements, so axis 1 cannot be inferred; expected 24 elements.",
  ],
  [
    "copying an axis that is missing",
    { op: "Reshape", inputs: [floats([4]), int64s(4, 0)] },
    "node Reshape_0 (Reshape): cannot reshape [4] to [4,0]: axis 1 copies an axis that the input lacks; expected 4 elements.",
  ],
  [
    "an unknown shape",
    { op: "Reshape", inputs: [x, { dtype: "int64", shape: [1], numbers: [24] }] },
    "node Reshape_0 (Reshape): input 1 is not known at compile time, so the output has no static shape. Bind symbolic dimensions with --bind, or export with constant shapes.",
  ],
  [
    "squeezing more than 1",
    { op: "Squeeze", inputs: [x, int64s(1)] },
    "node Squeeze_0 (Squeeze): cannot squeeze axis 1; got [2,3,4], expected size 1 there.",
  ],
  [
    "the same axis twice",
    { op: "Unsqueeze", inputs: [x, int64s(0, -5)] },
    "node Unsqueeze_0 (Unsqueeze): axes repeat; got [0,-5] for 5 axes.",
  ],
  [
    "no permutation",
    { op: "Transpose", attrs: { perm: [0, 1, 1] }, inputs: [x] },
    'node Transpose_0 (Transpose): attribute "perm" is no permutation; got [0,1,1] for [2,3,4].',
  ],
  [
    "sizes that do not broadcast",
    { op: "Expand", inputs: [x, int64s(5)] },
    "node Expand_0 (Expand): shapes [2,3,4] and [5] do not broadcast: axis -1 has 4 and 5.",
  ],
  [
    "too few repeats",
    { op: "Tile", inputs: [x, int64s(2, 2)] },
    "node Tile_0 (Tile): repeats are wrong; got [2,2] for [2,3,4], expected one count of at least 0 per axis.",
  ],
  [
    "a step of 0",
    { op: "Slice", inputs: [x, int64s(0), int64s(1), int64s(0), int64s(0)] },
    "node Slice_0 (Slice): step 0 for axis 0; expected a step other than 0.",
  ],
  [
    "lists of different length",
    { op: "Slice", inputs: [x, int64s(0, 0), int64s(1), int64s(0)] },
    "node Slice_0 (Slice): starts, ends, axes and steps differ in length; got 2, 1, 1 and 2 for [2,3,4].",
  ],
  [
    "different sizes beside the axis",
    { op: "Concat", attrs: { axis: 0 }, inputs: [floats([2, 3]), floats([2, 4])] },
    "node Concat_0 (Concat): input 1 does not fit; got float32[2,4] next to float32[2,3], expected equal types and sizes but for axis 0.",
  ],
  [
    "parts that do not add up",
    { op: "Split", inputs: [x, int64s(1, 2)], outputs: 2 },
    "node Split_0 (Split): split sizes do not fit; got [1,2] for 2 outputs and an axis of 2 elements.",
  ],
  [
    "more parts than elements allow",
    { op: "Split", attrs: { num_outputs: 4, axis: 1 }, inputs: [floats([1, 5])], outputs: 4 },
    "node Split_0 (Split): cannot split an axis of 5 elements into 4 parts for 4 outputs.",
  ],
  [
    "cropping too much",
    { op: "Pad", inputs: [floats([2]), int64s(-1, -2)] },
    "node Pad_0 (Pad): pads crop more than there is; got [-1] and [-2] for [2].",
  ],
  [
    "an odd number of pads",
    { op: "Pad", inputs: [floats([2]), int64s(1)] },
    "node Pad_0 (Pad): pads have the wrong length; got 1 for 1 axes, expected 2.",
  ],
  [
    "copies of nothing",
    { op: "Pad", attrs: { mode: "edge" }, inputs: [floats([0]), int64s(1, 1)] },
    'node Pad_0 (Pad): axis 0 is empty; mode "edge" has nothing to copy.',
  ],
  [
    "blocks that do not fit",
    { op: "SpaceToDepth", attrs: { blocksize: 2 }, inputs: [floats([1, 1, 3, 4])] },
    "node SpaceToDepth_0 (SpaceToDepth): blocks do not fit; got [1,1,3,4] with blocksize=2, expected [N,C,H,W] with multiples of [1,1,2,2].",
  ],
  [
    "columns that do not fit",
    { op: "Col2Im", inputs: [floats([1, 4, 5]), int64s(3, 3), int64s(2, 2)] },
    "node Col2Im_0 (Col2Im): columns do not fit; got [1,4,5], expected [N,C·4,4] for an image [3,3].",
  ],
])("%s is refused", (_name, sample, message) => {
  expect(refusalOf(sample)).toBe(message);
});
