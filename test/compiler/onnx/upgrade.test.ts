/** @file Every upgrade rule: an old form of an operator gives the same text as its form at opset 21. */
import { describe, expect, test } from "vitest";
import { constants } from "../../support/case-constants.js";
import type { BriefNode } from "../../support/proto-model.js";
import { importedNodes } from "../../support/proto-model.js";

interface Case {
  readonly what: string;
  readonly opset: number;
  readonly node: Partial<BriefNode> & { readonly op: string };
  /** The same at opset 21, or the lines that come out. */
  readonly now: (Partial<BriefNode> & { readonly op: string }) | readonly string[];
  readonly inputs?: Readonly<Record<string, string>>;
}

const X = { x: "float32[2,3,4]" };
const IMAGE = { x: "float32[1,2,5,6]" };

function lines(opset: number, part: Case["node"], inputs: Readonly<Record<string, string>>): readonly string[] {
  const node: BriefNode = { inputs: ["x"], outputs: ["y"], ...part };
  return importedNodes({
    opset,
    nodes: [node],
    inputs,
    outputs: node.outputs.filter((name) => name !== ""),
    initializers: constants([node]),
  });
}

const CASES: readonly Case[] = [
  {
    what: "Squeeze axes",
    opset: 11,
    inputs: { x: "float32[2,1]" },
    node: { op: "Squeeze", attrs: { axes: [1] } },
    now: { op: "Squeeze", inputs: ["x", "i:1"] },
  },
  {
    what: "Unsqueeze axes",
    opset: 7,
    inputs: X,
    node: { op: "Unsqueeze", attrs: { axes: [0] } },
    now: { op: "Unsqueeze", inputs: ["x", "i:0"] },
  },
  {
    what: "ReduceSum axes",
    opset: 11,
    node: { op: "ReduceSum", attrs: { axes: [1, 2], keepdims: 0 } },
    now: { op: "ReduceSum", inputs: ["x", "i:1,2"], attrs: { keepdims: 0 } },
  },
  ...[
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceSumSquare",
  ].map((op): Case => ({
    what: `${op} axes`,
    opset: 17,
    node: { op, attrs: { axes: [-1] } },
    now: { op, inputs: ["x", "i:-1"] },
  })),
  {
    what: "ReduceMean of all axes",
    opset: 13,
    node: { op: "ReduceMean", attrs: { keepdims: 0 } },
    now: { op: "ReduceMean", attrs: { keepdims: 0 } },
  },
  {
    what: "Reshape shape",
    opset: 4,
    node: { op: "Reshape", attrs: { shape: [6, 4] } },
    now: { op: "Reshape", inputs: ["x", "i:6,4"] },
  },
  {
    what: "Slice attributes",
    opset: 9,
    node: { op: "Slice", attrs: { starts: [1, 0], ends: [2, 2 ** 62], axes: [1, 2] } },
    now: ["y = Slice(x, {1, 0}, {2, 9007199254740991}, {1, 2}) : float32[2,1,4]"],
  },
  {
    what: "Slice of the first axes",
    opset: 1,
    node: { op: "Slice", attrs: { starts: [1], ends: [2] } },
    now: { op: "Slice", inputs: ["x", "i:1", "i:2", "i:0"] },
  },
  {
    what: "Split sizes",
    opset: 11,
    node: { op: "Split", outputs: ["y", "z"], attrs: { axis: 2, split: [1, 3] } },
    now: { op: "Split", outputs: ["y", "z"], inputs: ["x", "i:1,3"], attrs: { axis: 2 } },
  },
  {
    what: "Split into equal parts",
    opset: 13,
    node: { op: "Split", outputs: ["y", "z"], attrs: { axis: 2 } },
    now: { op: "Split", outputs: ["y", "z"], inputs: ["x", "i:2,2"], attrs: { axis: 2 } },
  },
  {
    what: "Split into unequal parts",
    opset: 18,
    node: { op: "Split", outputs: ["y", "z"], attrs: { axis: 1, num_outputs: 2 } },
    now: { op: "Split", outputs: ["y", "z"], inputs: ["x", "i:2,1"], attrs: { axis: 1 } },
  },
  {
    what: "Tile along one axis",
    opset: 1,
    node: { op: "Tile", inputs: ["x", "f:3", "f:1"] },
    now: { op: "Tile", inputs: ["x", "i:1,3,1"] },
  },
  {
    what: "Pad paddings",
    opset: 1,
    inputs: { x: "float32[2,2]" },
    node: { op: "Pad", attrs: { paddings: [0, 1, 0, 1], value: { f: 0.5 } } },
    now: { op: "Pad", inputs: ["x", "i:0,1,0,1", "f:0.5"] },
  },
  {
    what: "Pad pads",
    opset: 10,
    inputs: { x: "float32[2,2]" },
    node: { op: "Pad", attrs: { mode: "reflect", pads: [0, 1, 0, 1] } },
    now: { op: "Pad", inputs: ["x", "i:0,1,0,1"], attrs: { mode: "reflect" } },
  },
  {
    what: "Pad of some axes",
    opset: 18,
    node: { op: "Pad", inputs: ["x", "i:1,2", "", "i:-1"] },
    now: { op: "Pad", inputs: ["x", "i:0,0,1,0,0,2"] },
  },
  {
    what: "TopK count",
    opset: 9,
    node: { op: "TopK", outputs: ["y", "z"], attrs: { k: 2, axis: 1 } },
    now: { op: "TopK", outputs: ["y", "z"], inputs: ["x", "i:2"], attrs: { axis: 1 } },
  },
  {
    what: "Concat default axis",
    opset: 1,
    node: { op: "Concat", inputs: ["x", "x"] },
    now: { op: "Concat", inputs: ["x", "x"], attrs: { axis: 1 } },
  },
  {
    what: "Scatter",
    opset: 9,
    inputs: { x: "float32[3,4]", i: "int64[1,4]", u: "float32[1,4]" },
    node: { op: "Scatter", inputs: ["x", "i", "u"] },
    now: { op: "ScatterElements", inputs: ["x", "i", "u"] },
  },
  {
    what: "GridSample mode",
    opset: 16,
    inputs: { x: "float32[1,2,5,6]", g: "float32[1,3,3,2]" },
    node: { op: "GridSample", inputs: ["x", "g"], attrs: { mode: "bilinear" } },
    now: { op: "GridSample", inputs: ["x", "g"], attrs: { mode: "linear" } },
  },
  {
    what: "Clip limits",
    opset: 6,
    node: { op: "Clip", attrs: { min: { f: 0 }, max: { f: 6 } } },
    now: { op: "Clip", inputs: ["x", "f:0", "f:6"] },
  },
  {
    what: "Clip upper limit",
    opset: 10,
    node: { op: "Clip", attrs: { max: { f: 6 } } },
    now: { op: "Clip", inputs: ["x", "", "f:6"] },
  },
  {
    what: "Cast to a name",
    opset: 5,
    node: { op: "Cast", attrs: { to: "INT64" } },
    now: { op: "Cast", attrs: { to: 7 } },
  },
  {
    what: "Cast saturation",
    opset: 19,
    node: { op: "Cast", attrs: { to: 7, saturate: 0 } },
    now: { op: "Cast", attrs: { to: 7 } },
  },
  {
    what: "Relu consumed inputs",
    opset: 1,
    node: { op: "Relu", attrs: { consumed_inputs: [0] } },
    now: { op: "Relu" },
  },
  {
    what: "Gemm broadcast",
    opset: 6,
    inputs: { x: "float32[2,3]", w: "float32[3,4]", c: "float32[4]" },
    node: { op: "Gemm", inputs: ["x", "w", "c"], attrs: { broadcast: 1 } },
    now: { op: "Gemm", inputs: ["x", "w", "c"] },
  },
  ...["Add", "Sub", "Mul", "Div", "Pow"].map((op): Case => ({
    what: `${op} along an axis`,
    opset: 6,
    inputs: { ...X, c: "float32[3]" },
    node: { op, inputs: ["x", "c"], attrs: { broadcast: 1, axis: 1 } },
    now: [
      "y/Reshape_0_0 = Reshape(c, {3, 1}) allowzero=0 : float32[3,1]",
      `y = ${op}(x, y/Reshape_0_0) : float32[2,3,4]`,
    ],
  })),
  {
    what: "PRelu slope per channel",
    opset: 6,
    inputs: { ...X, s: "float32[3]" },
    node: { op: "PRelu", inputs: ["x", "s"] },
    now: [
      "y/Reshape_0_0 = Reshape(s, {3, 1}) allowzero=0 : float32[3,1]",
      "y = PRelu(x, y/Reshape_0_0) : float32[2,3,4]",
    ],
  },
  {
    what: "Upsample attributes",
    opset: 7,
    inputs: IMAGE,
    node: { op: "Upsample", attrs: { mode: "nearest", scales: { floats: [1, 1, 2, 2] } } },
    now: {
      op: "Resize",
      inputs: ["x", "", "fs:1,1,2,2"],
      attrs: { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    },
  },
  {
    what: "Upsample scales",
    opset: 9,
    inputs: IMAGE,
    node: { op: "Upsample", inputs: ["x", "fs:1,1,2,2"], attrs: { mode: "linear" } },
    now: {
      op: "Resize",
      inputs: ["x", "", "fs:1,1,2,2"],
      attrs: { mode: "linear", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    },
  },
  {
    what: "Upsample height and width",
    opset: 1,
    inputs: IMAGE,
    node: { op: "Upsample", attrs: { mode: "bilinear", height_scale: { f: 2 }, width_scale: { f: 3 } } },
    now: {
      op: "Resize",
      inputs: ["x", "", "fs:1,1,2,3"],
      attrs: { mode: "linear", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    },
  },
  {
    what: "Resize of opset 10",
    opset: 10,
    inputs: IMAGE,
    node: { op: "Resize", inputs: ["x", "fs:1,1,2,2"] },
    now: {
      op: "Resize",
      inputs: ["x", "", "fs:1,1,2,2"],
      attrs: { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    },
  },
  {
    what: "Resize of some axes",
    opset: 18,
    inputs: IMAGE,
    node: { op: "Resize", inputs: ["x", "", "", "i:10,12"], attrs: { axes: [2, 3] } },
    now: { op: "Resize", inputs: ["x", "", "", "i:1,2,10,12"] },
  },
  {
    what: "Resize not larger",
    opset: 18,
    inputs: IMAGE,
    node: {
      op: "Resize",
      inputs: ["x", "", "", "i:10,24"],
      attrs: { axes: [2, 3], keep_aspect_ratio_policy: "not_larger" },
    },
    now: {
      op: "Resize",
      inputs: ["x", "", "", "i:10,24"],
      attrs: { axes: [2, 3], keep_aspect_ratio_policy: "not_larger" },
    },
  },
  {
    what: "RoiAlign with whole coordinates at corners",
    opset: 10,
    inputs: { ...IMAGE, boxes: "float32[3,4]", batch: "int64[3]" },
    node: { op: "RoiAlign", inputs: ["x", "boxes", "batch"], attrs: { sampling_ratio: 2 } },
    now: {
      op: "RoiAlign",
      inputs: ["x", "boxes", "batch"],
      attrs: { sampling_ratio: 2, coordinate_transformation_mode: "output_half_pixel" },
    },
  },
  {
    what: "BatchNormalization in inference",
    opset: 7,
    inputs: { ...IMAGE, s: "float32[2]", b: "float32[2]", m: "float32[2]", v: "float32[2]" },
    node: { op: "BatchNormalization", inputs: ["x", "s", "b", "m", "v"], attrs: { spatial: 1 } },
    now: { op: "BatchNormalization", inputs: ["x", "s", "b", "m", "v"] },
  },
  {
    what: "BatchNormalization in training",
    opset: 9,
    inputs: { ...IMAGE, s: "float32[2]", b: "float32[2]", m: "float32[2]", v: "float32[2]" },
    node: { op: "BatchNormalization", inputs: ["x", "s", "b", "m", "v"], outputs: ["y", "nm", "nv", "", ""] },
    now: {
      op: "BatchNormalization",
      inputs: ["x", "s", "b", "m", "v"],
      outputs: ["y", "nm", "nv"],
      attrs: { training_mode: 1 },
    },
  },
  {
    what: "convolution padded to the same size",
    opset: 11,
    inputs: { ...IMAGE, w: "float32[3,2,3,2]" },
    node: { op: "Conv", inputs: ["x", "w"], attrs: { auto_pad: "SAME_UPPER", strides: [2, 2] } },
    now: { op: "Conv", inputs: ["x", "w"], attrs: { pads: [1, 0, 1, 0], strides: [2, 2] } },
  },
  {
    what: "pool padded to the same size, odd pad first",
    opset: 11,
    inputs: IMAGE,
    node: { op: "MaxPool", attrs: { kernel_shape: [2, 2], auto_pad: "SAME_LOWER" } },
    now: { op: "MaxPool", attrs: { kernel_shape: [2, 2], pads: [1, 1, 0, 0] } },
  },
  {
    what: "pool without pads",
    opset: 11,
    inputs: IMAGE,
    node: { op: "AveragePool", attrs: { kernel_shape: [2, 2], auto_pad: "VALID" } },
    now: { op: "AveragePool", attrs: { kernel_shape: [2, 2], pads: [0, 0, 0, 0] } },
  },
  {
    what: "transposed convolution to a given size",
    opset: 11,
    inputs: { ...IMAGE, w: "float32[2,3,3,3]" },
    node: { op: "ConvTranspose", inputs: ["x", "w"], attrs: { output_shape: [10, 12], strides: [2, 2] } },
    now: {
      op: "ConvTranspose",
      inputs: ["x", "w"],
      attrs: { strides: [2, 2], pads: [1, 1, 0, 0], output_padding: [0, 0] },
    },
  },
  {
    what: "Softmax over several axes",
    opset: 11,
    node: { op: "Softmax" },
    now: [
      "y/Reshape_0_0 = Reshape(x, {2, 12}) allowzero=0 : float32[2,12]",
      "y/Softmax_1_0 = Softmax(y/Reshape_0_0) axis=1 : float32[2,12]",
      "y = Reshape(y/Softmax_1_0, {2, 3, 4}) allowzero=0 : float32[2,3,4]",
    ],
  },
  {
    what: "LogSoftmax over the last axis",
    opset: 11,
    node: { op: "LogSoftmax", attrs: { axis: 2 } },
    now: { op: "LogSoftmax", attrs: { axis: -1 } },
  },
];

describe("as at opset 21", () => {
  test.each(CASES)("$what (opset $opset)", ({ opset, node, now, inputs = X }) => {
    const text = lines(opset, node, inputs).join("\n");
    expect(text).toBe("op" in now ? lines(21, now, inputs).join("\n") : now.join("\n"));
    expect(text.length).toBeGreaterThan(0);
  });

  test("GroupNormalization with one scale per group (opset 18)", () => {
    const inputs = { x: "float32[1,4,5]", s: "float32[2]", b: "float32[2]" };
    const [reshape, expand, flat, ...rest] = lines(
      18,
      { op: "GroupNormalization", inputs: ["x", "s", "b"], attrs: { num_groups: 2 } },
      inputs,
    );
    expect([reshape, expand, flat]).toEqual([
      "y/Reshape_0_0 = Reshape(s, {2, 1}) allowzero=0 : float32[2,1]",
      "y/Expand_1_0 = Expand(y/Reshape_0_0, {2, 2}) : float32[2,2]",
      "y/Reshape_2_0 = Reshape(y/Expand_1_0, {4}) allowzero=0 : float32[4]",
    ]);
    expect(rest.at(-1)).toMatch(/^y = /);
  });
});
