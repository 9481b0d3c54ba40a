/** @file Ops that read, write and select by index: shapes, gradients as text, refusals. */
import { describe, expect, test } from "vitest";
import type { OpSample, SampleInput } from "../../contract/op-samples/sample.js";
import { floats, int64s, literal } from "../../contract/op-samples/sample.js";
import { gradientText, refusalOf, typesOf } from "../../support/op-text.js";

const indices = (...shape: readonly number[]): SampleInput => ({ dtype: "int64", shape, least: 0, most: 1 });
const x = floats([2, 3, 4]);

test.each<[string, OpSample, readonly string[]]>([
  ["Gather replaces an axis", { op: "Gather", attrs: { axis: 1 }, inputs: [x, indices(5, 6)] }, ["float32[2,5,6,4]"]],
  ["Gather of a scalar drops it", { op: "Gather", attrs: { axis: -1 }, inputs: [x, indices()] }, ["float32[2,3]"]],
  ["GatherND of whole tuples", { op: "GatherND", inputs: [x, indices(7, 3)] }, ["float32[7]"]],
  [
    "GatherND of batches",
    { op: "GatherND", attrs: { batch_dims: 1 }, inputs: [x, indices(2, 5, 1)] },
    ["float32[2,5,4]"],
  ],
  [
    "OneHot adds an axis",
    { op: "OneHot", attrs: { axis: 1 }, inputs: [indices(2, 3), int64s(5), floats([2])] },
    ["float32[2,5,3]"],
  ],
  [
    "TopK gives places too",
    { op: "TopK", attrs: { axis: 1 }, inputs: [x, int64s(2)] },
    ["float32[2,2,4]", "int64[2,2,4]"],
  ],
  [
    "Compress counts what holds",
    { op: "Compress", attrs: { axis: 2 }, inputs: [x, literal("bool", [3], [1, 0, 1])] },
    ["float32[2,3,2]"],
  ],
  ["NonZero gives coordinates", { op: "NonZero", inputs: [literal("int64", [2, 2], [1, 0, 2, 3])] }, ["int64[2,3]"]],
])("%s", (_name, sample, types) => {
  expect(typesOf(sample)).toEqual(types);
});

describe("gradients", () => {
  test.each<[string, OpSample, string]>([
    [
      "an embedding adds its rows onto zeros",
      { op: "Gather", inputs: [floats([9, 4]), indices(2, 3)] },
      `
ConstantOfShape_1_0 = ConstantOfShape({9, 4}) value={0} : float32[9,4]
Reshape_2_0 = Reshape(x1, {2, 3, 1}) allowzero=0 : int64[2,3,1]
ScatterND_3_0 = ScatterND(ConstantOfShape_1_0, Reshape_2_0, dy) reduction="add" : float32[9,4]
dx0 = ScatterND_3_0
`,
    ],
    [
      "another axis goes to the front and back",
      { op: "Gather", attrs: { axis: 1 }, inputs: [x, indices(5)] },
      `
Transpose_1_0 = Transpose(dy) perm=[1,0,2] : float32[5,2,4]
ConstantOfShape_2_0 = ConstantOfShape({3, 2, 4}) value={0} : float32[3,2,4]
Reshape_3_0 = Reshape(x1, {5, 1}) allowzero=0 : int64[5,1]
ScatterND_4_0 = ScatterND(ConstantOfShape_2_0, Reshape_3_0, Transpose_1_0) reduction="add" : float32[3,2,4]
Transpose_5_0 = Transpose(ScatterND_4_0) perm=[1,0,2] : float32[2,3,4]
dx0 = Transpose_5_0
`,
    ],
    [
      "one known index is padded",
      { op: "Gather", attrs: { axis: 1 }, inputs: [x, literal("int64", [], [1])] },
      `
Reshape_1_0 = Reshape(dy, {2, 1, 4}) allowzero=0 : float32[2,1,4]
Pad_2_0 = Pad(Reshape_1_0, {0, 1, 0, 0, 1, 0}) mode="constant" : float32[2,3,4]
dx0 = Pad_2_0
`,
    ],
    [
      "batches become coordinates",
      { op: "GatherND", attrs: { batch_dims: 1 }, inputs: [x, indices(2, 1)] },
      `
Expand_1_0 = Expand({0, 1}, {2, 1}) : int64[2,1]
Concat_2_0 = Concat(Expand_1_0, x1) axis=-1 : int64[2,2]
ConstantOfShape_3_0 = ConstantOfShape({2, 3, 4}) value={0} : float32[2,3,4]
ScatterND_4_0 = ScatterND(ConstantOfShape_3_0, Concat_2_0, dy) reduction="add" : float32[2,3,4]
dx0 = ScatterND_4_0
`,
    ],
    [
      "what is overwritten has no gradient",
      { op: "ScatterND", inputs: [floats([3, 2]), indices(2, 1), floats([2, 2])] },
      `
ConstantOfShape_1_0 = ConstantOfShape({2, 2}) value={0} : float32[2,2]
ScatterND_2_0 = ScatterND(dy, x1, ConstantOfShape_1_0) reduction="none" : float32[3,2]
GatherND_3_0 = GatherND(dy, x1) batch_dims=0 : float32[2,2]
dx0 = ScatterND_2_0
dx2 = GatherND_3_0
`,
    ],
  ])("%s", (_name, sample, nodes) => {
    expect(gradientText(sample)).toBe(nodes);
  });
});

test.each<[string, OpSample, string]>([
  [
    "an index out of range",
    { op: "Gather", attrs: { axis: 1 }, inputs: [x, int64s(0, -4)] },
    "node Gather_0 (Gather): index -4 is out of range; axis 1 has 3 elements.",
  ],
  [
    "indices that are floats",
    { op: "Gather", inputs: [x, floats([2])] },
    "node Gather_0 (Gather): input 1 holds no indices; got float32, expected int64 or int32.",
  ],
  [
    "more index axes than data has",
    { op: "GatherElements", inputs: [x, indices(2)] },
    "node GatherElements_0 (GatherElements): indices do not fit; got [2] for data [2,3,4], expected as many axes and at most its sizes but for axis 0.",
  ],
  [
    "tuples that are too long",
    { op: "GatherND", inputs: [x, indices(2, 4)] },
    "node GatherND_0 (GatherND): index tuples do not fit; got tuples of 4 with batch_dims=0 into [2,3,4].",
  ],
  [
    "batches that differ",
    { op: "GatherND", attrs: { batch_dims: 1 }, inputs: [x, indices(3, 1)] },
    "node GatherND_0 (GatherND): batch axes differ; got [2,3,4] and [3,1] with batch_dims=1.",
  ],
  [
    "updates of another shape",
    { op: "ScatterElements", inputs: [floats([3]), indices(2), floats([3])] },
    "node ScatterElements_0 (ScatterElements): updates do not fit; got [3], expected [2].",
  ],
  [
    "an unknown reduction",
    { op: "ScatterND", attrs: { reduction: "sum" as never }, inputs: [floats([3]), indices(1, 1), floats([1])] },
    'node ScatterND_0 (ScatterND): attribute "reduction" is unknown; got "sum", expected none, add, mul, max or min.',
  ],
  ["more than there is", { op: "TopK", inputs: [x, int64s(5)] }, "node TopK_0 (TopK): k is 5; axis 2 has 4 elements."],
  [
    "a condition that is not known",
    { op: "Compress", inputs: [x, { dtype: "bool", shape: [2], least: 0, most: 1 }] },
    "node Compress_0 (Compress): input 1 is not known at compile time, so the output has no static shape. Bind symbolic dimensions with --bind, or export with constant shapes.",
  ],
  [
    "a condition that is too long",
    { op: "Compress", attrs: { axis: 0 }, inputs: [x, literal("bool", [3], [1, 1, 1])] },
    "node Compress_0 (Compress): condition is longer than the axis; got 3 for 2 elements.",
  ],
  [
    "values of another number",
    { op: "OneHot", inputs: [indices(2), int64s(3), floats([3])] },
    "node OneHot_0 (OneHot): input 2 is wrong; got [3], expected [off, on].",
  ],
])("%s is refused", (_name, sample, message) => {
  expect(refusalOf(sample)).toBe(message);
});
