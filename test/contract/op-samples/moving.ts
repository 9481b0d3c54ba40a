/** @file Samples of ops that move elements or make them from shapes. */
import type { OpSample } from "./sample.js";
import { floats, int64s, integers, literal } from "./sample.js";

const x = floats([2, 3, 4]);
const far = 2 ** 40;

const slices: readonly (readonly [string, readonly (readonly number[] | undefined)[]])[] = [
  [
    "starts and ends",
    [
      [0, 1],
      [2, 3],
    ],
  ],
  ["axes", [[1], [3], [-1]]],
  ["steps", [[0], [far], [2], [3]]],
  ["backwards", [[far], [-far], [1], [-1]]],
  ["backwards by two", [[-1], [-far], [2], [-2]]],
  [
    "backwards within",
    [
      [3, 2],
      [0, -far],
      [2, 1],
      [-2, -1],
    ],
  ],
  ["nothing", [[2], [1], [1]]],
  ["one element by a large step", [[1], [far], [2], [100]]],
  [
    "clamped",
    [
      [-100, 1],
      [100, 100],
      [0, 1],
    ],
  ],
];

const pads: readonly (readonly [string, readonly number[], readonly number[] | undefined])[] = [
  ["all axes", [1, 0, 2, 0, 1, 1], undefined],
  ["cropping", [-1, 0, 1, 0, -1, -2], undefined],
  ["axes", [1, 2, 0, 1], [-1, 1]],
];

export const movingSamples: readonly OpSample[] = [
  { op: "Reshape", of: "inferred", inputs: [x, int64s(4, -1)] },
  { op: "Reshape", of: "copied", inputs: [x, int64s(0, 0, 2, 2)] },
  { op: "Reshape", of: "allowzero", attrs: { allowzero: 1 }, inputs: [floats([0, 3]), int64s(3, 0)] },
  { op: "Reshape", of: "to a scalar", inputs: [floats([1, 1]), int64s()] },
  { op: "Flatten", inputs: [x] },
  { op: "Flatten", of: "axis 3", attrs: { axis: 3 }, inputs: [x] },
  { op: "Flatten", of: "axis -1", attrs: { axis: -1 }, inputs: [x] },
  { op: "Squeeze", inputs: [floats([1, 3, 1])] },
  { op: "Squeeze", of: "axes", inputs: [floats([1, 3, 1]), int64s(-1)] },
  { op: "Unsqueeze", inputs: [floats([2, 3]), int64s(-1, 0)] },
  { op: "Transpose", inputs: [x] },
  { op: "Transpose", of: "perm", attrs: { perm: [1, 2, 0] }, inputs: [x] },
  { op: "Expand", inputs: [floats([3, 1]), int64s(2, 1, 4)] },
  { op: "Expand", of: "a scalar", inputs: [floats([]), int64s(2, 2)] },
  { op: "Expand", of: "to nothing", inputs: [floats([2, 1]), int64s(2, 0)] },
  { op: "Tile", inputs: [x, int64s(2, 1, 3)] },
  { op: "Tile", of: "to nothing", inputs: [x, int64s(0, 1, 3)] },
  ...slices.map(([of, lists]): OpSample => ({
    op: "Slice",
    of,
    inputs: [x, ...lists.map((list) => int64s(...list!))],
  })),
  { op: "Concat", attrs: { axis: -1 }, inputs: [floats([2, 3]), floats([2, 0]), floats([2, 1])] },
  { op: "Concat", of: "one input", attrs: { axis: 0 }, inputs: [floats([2, 3])] },
  { op: "Split", of: "sizes", attrs: { axis: -1 }, inputs: [x, int64s(1, 0, 3)], outputs: 3 },
  { op: "Split", of: "a remainder", attrs: { axis: 1, num_outputs: 2 }, inputs: [x], outputs: 2 },
  ...pads.flatMap(([of, sizes, axes]): OpSample[] => [
    {
      op: "Pad",
      of,
      inputs: [x, int64s(...sizes), floats([]), axes && int64s(...axes)],
    },
    {
      op: "Pad",
      of: `${of}, edge`,
      attrs: { mode: "edge" },
      inputs: [x, int64s(...sizes), undefined, axes && int64s(...axes)],
    },
    {
      op: "Pad",
      of: `${of}, wrap`,
      attrs: { mode: "wrap" },
      inputs: [x, int64s(...sizes), undefined, axes && int64s(...axes)],
    },
  ]),
  { op: "Pad", of: "reflect", attrs: { mode: "reflect" }, inputs: [x, int64s(1, 0, 3, 0, 2, 1)] },
  { op: "CenterCropPad", inputs: [floats([5, 2, 4]), int64s(2, 5, 3)] },
  { op: "CenterCropPad", of: "axes", attrs: { axes: [-1, 0] }, inputs: [floats([4, 2, 3]), int64s(6, 1)] },
  { op: "DepthToSpace", inputs: [floats([1, 8, 2, 3])], attrs: { blocksize: 2 } },
  { op: "DepthToSpace", of: "CRD", inputs: [floats([2, 4, 2, 3])], attrs: { blocksize: 2, mode: "CRD" } },
  { op: "SpaceToDepth", inputs: [floats([1, 2, 4, 6])], attrs: { blocksize: 2 } },
  { op: "ReverseSequence", inputs: [floats([4, 3, 2]), { dtype: "int64", shape: [3], numbers: [1, 4, 2] }] },
  {
    op: "ReverseSequence",
    of: "batch first",
    attrs: { batch_axis: 0, time_axis: 1 },
    inputs: [floats([2, 3]), { dtype: "int64", shape: [2], numbers: [3, 2] }],
  },
  ...[0, 1].flatMap((upper) =>
    [-2, 0, 1].map((k): OpSample => ({
      op: "Trilu",
      of: `upper ${upper} k ${k}`,
      attrs: { upper },
      inputs: [x, literal("int64", [], [k])],
    })),
  ),
  { op: "Trilu", of: "no k", inputs: [floats([3, 3])] },
  { op: "Shape", inputs: [x] },
  { op: "Shape", of: "a part", attrs: { start: -2, end: 5 }, inputs: [x] },
  { op: "Shape", of: "no part", attrs: { start: 2, end: 1 }, inputs: [x] },
  { op: "Size", inputs: [x] },
  { op: "ConstantOfShape", inputs: [int64s(2, 0)] },
  {
    op: "ConstantOfShape",
    of: "a value",
    attrs: { value: { dtype: "int64", shape: [1], elements: BigInt64Array.of(7n) } },
    inputs: [int64s(2, 2)],
  },
  { op: "Range", inputs: [literal("int64", [], [3]), literal("int64", [], [-4]), literal("int64", [], [-2])] },
  {
    op: "Range",
    of: "floats",
    inputs: [literal("float32", [], [0]), literal("float32", [], [1]), literal("float32", [], [0.25])],
  },
  { op: "EyeLike", attrs: { k: 1 }, inputs: [floats([2, 3])] },
  { op: "EyeLike", of: "another type", attrs: { dtype: 7 }, inputs: [integers("int32", [2, 2], 0, 1)] },
];
