/** @file Resizing and sampling: sizes, weights against the engine's forward pass, refusals. */
import { afterAll, describe, expect, test } from "vitest";
import { COORDINATE_MODES, nearest, originalCoordinate } from "../../../compiler/ops/resize-coordinates.js";
import { resizeRows } from "../../../compiler/ops/resize-matrix.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { runNumbers, sampleGraph } from "../../contract/op-samples/run.js";
import type { OpSample } from "../../contract/op-samples/sample.js";
import { floats, int64s, literal } from "../../contract/op-samples/sample.js";
import { gradientText, refusalOf, typesOf } from "../../support/op-text.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

const image = floats([1, 2, 5, 4]);
const scales = (...numbers: readonly number[]) => literal("float32", [numbers.length], numbers);

test.each<[string, OpSample, string]>([
  [
    "scales round down in single precision",
    { op: "Resize", inputs: [image, undefined, scales(1, 1, 1.2, 0.6)] },
    "float32[1,2,6,2]",
  ],
  ["sizes", { op: "Resize", inputs: [image, undefined, undefined, int64s(1, 2, 7, 3)] }, "float32[1,2,7,3]"],
  [
    "empty scales count as left out",
    { op: "Resize", inputs: [image, scales(), scales(), int64s(1, 2, 7, 3)] },
    "float32[1,2,7,3]",
  ],
  ["axes", { op: "Resize", attrs: { axes: [3] }, inputs: [image, undefined, scales(2)] }, "float32[1,2,5,8]"],
  [
    "not larger",
    {
      op: "Resize",
      attrs: { axes: [2, 3], keep_aspect_ratio_policy: "not_larger" },
      inputs: [image, undefined, undefined, int64s(10, 6)],
    },
    "float32[1,2,8,6]",
  ],
  [
    "not smaller",
    {
      op: "Resize",
      attrs: { axes: [2, 3], keep_aspect_ratio_policy: "not_smaller" },
      inputs: [image, undefined, undefined, int64s(10, 6)],
    },
    "float32[1,2,10,8]",
  ],
])("%s", (_name, sample, type) => {
  expect(typesOf(sample)).toEqual([type]);
});

describe("weights are those that the engine applies", () => {
  const cases = (["nearest", "linear", "cubic"] as const).flatMap((mode) =>
    COORDINATE_MODES.flatMap((coordinates) => [3, 4, 7, 10].map((to) => [mode, coordinates, to] as const)),
  );
  test.each(cases)("%s %s to %i", (mode, coordinates, to) => {
    const from = 7;
    const numbers = [3, -1, 4, 1, -5, 9, 2];
    const roi = coordinates === "tf_crop_and_resize" ? scales(0, 0.1, 1, 0.8) : undefined;
    const attrs = { mode, coordinate_transformation_mode: coordinates };
    const inputs = [{ ...floats([1, from]), numbers }, roi, undefined, int64s(1, to)];
    const built = sampleGraph({ op: "Resize", attrs, inputs });
    const found = runNumbers(engine, built.graph, built.inputs).get("y0")!;
    const attributes = built.graph.nodes[0]!.attrs as never;
    const rows = resizeRows({ from, to, scale: Math.fround(to / from), roi: [0.1, 0.8] }, attributes);
    expect(rows).toHaveLength(to);
    for (const [at, row] of rows.entries()) {
      const expected = [...row].reduce((sum, [position, weight]) => sum + weight * numbers[position]!, 0);
      expect(found[at]).toBeCloseTo(expected, 4);
    }
  });
});

test("a gradient is one product with a constant matrix per resized axis", () => {
  const attrs = { mode: "linear" } as const;
  expect(gradientText({ op: "Resize", attrs, inputs: [floats([1, 2, 3, 3]), undefined, scales(1, 1, 2, 2)] }))
    .toMatchInlineSnapshot(`
    "
    Reshape_1_0 = Reshape(dy, {2, 6, 6}) allowzero=0 : float32[2,6,6]
    MatMul_2_0 = MatMul({…} float32[3,6], Reshape_1_0) : float32[2,3,6]
    Reshape_3_0 = Reshape(MatMul_2_0, {1, 2, 3, 6}) allowzero=0 : float32[1,2,3,6]
    Reshape_4_0 = Reshape(Reshape_3_0, {6, 6}) allowzero=0 : float32[6,6]
    MatMul_5_0 = MatMul(Reshape_4_0, {…} float32[6,3]) : float32[6,3]
    Reshape_6_0 = Reshape(MatMul_5_0, {1, 2, 3, 3}) allowzero=0 : float32[1,2,3,3]
    dx0 = Reshape_6_0
    "
  `);
});

test("affine grids start from the corners or from the first elements", () => {
  const theta = { ...floats([1, 2, 3]), numbers: [1, 0, 0, 0, 1, 0] };
  const at = (align_corners: number): readonly number[] => {
    const built = sampleGraph({ op: "AffineGrid", attrs: { align_corners }, inputs: [theta, int64s(1, 1, 2, 2)] });
    return runNumbers(engine, built.graph, built.inputs).get("y0")!;
  };
  expect(at(1)).toEqual([-1, -1, 1, -1, -1, 1, 1, 1]);
  expect(at(0)).toEqual([-0.5, -0.5, 0.5, -0.5, -0.5, 0.5, 0.5, 0.5]);
});

test.each<[string, OpSample, string]>([
  [
    "neither scales nor sizes",
    { op: "Resize", inputs: [image] },
    "node Resize_0 (Resize): expected either scales (input 2) or sizes (input 3), not none.",
  ],
  [
    "both",
    { op: "Resize", inputs: [image, undefined, scales(1, 1, 2, 2), int64s(1, 2, 10, 8)] },
    "node Resize_0 (Resize): expected either scales (input 2) or sizes (input 3), not both.",
  ],
  [
    "too few scales",
    { op: "Resize", inputs: [image, undefined, scales(2, 2)] },
    "node Resize_0 (Resize): scales are wrong; got [2,2] for 4 axes of [1,2,5,4], expected one positive number per axis.",
  ],
  [
    "an unknown mode",
    { op: "Resize", attrs: { mode: "area" as never }, inputs: [image, undefined, scales(1, 1, 2, 2)] },
    'node Resize_0 (Resize): attribute "mode" is unknown; got "area", expected nearest, linear or cubic.',
  ],
  [
    "unknown coordinates",
    {
      op: "Resize",
      attrs: { coordinate_transformation_mode: "center" as never },
      inputs: [image, undefined, scales(1, 1, 2, 2)],
    },
    'node Resize_0 (Resize): attribute "coordinate_transformation_mode" is unknown; got "center", expected one of half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric, tf_half_pixel_for_nn, tf_crop_and_resize.',
  ],
  [
    "a grid of another batch",
    { op: "GridSample", inputs: [image, floats([2, 3, 3, 2])] },
    "node GridSample_0 (GridSample): grid does not fit; got [2,3,3,2] for [1,2,5,4], expected [1,…,2] with 4 axes.",
  ],
  [
    "a grid of another rank",
    { op: "GridSample", inputs: [image, floats([1, 3, 3, 3])] },
    "node GridSample_0 (GridSample): grid does not fit; got [1,3,3,3] for [1,2,5,4], expected [1,…,2] with 4 axes.",
  ],
  [
    "a theta of another rank",
    { op: "AffineGrid", inputs: [floats([1, 3, 4]), int64s(1, 1, 2, 2)] },
    "node AffineGrid_0 (AffineGrid): theta does not fit the size; got [1,3,4] for [1,1,2,2], expected [N,2,3] for [N,C,H,W] or [N,3,4] for [N,C,D,H,W].",
  ],
  [
    "boxes without four numbers",
    { op: "RoiAlign", inputs: [image, floats([2, 5]), { dtype: "int64", shape: [2], least: 0, most: 0 }] },
    "node RoiAlign_0 (RoiAlign): boxes do not fit; got image [1,2,5,4], boxes [2,5] and batch indices [2], expected [N,C,H,W], [R,4] and [R].",
  ],
  [
    "boxes without an image",
    { op: "MaxRoiPool", attrs: { pooled_shape: [2, 2] }, inputs: [image, floats([2, 4])] },
    "node MaxRoiPool_0 (MaxRoiPool): boxes do not fit; got image [1,2,5,4], boxes [2,4] and pooled shape [2,2], expected [N,C,H,W], [R,5] and [rows,columns].",
  ],
])("%s is refused", (_name, sample, message) => {
  expect(refusalOf(sample)).toBe(message);
});

test("single precision decides which neighbour is nearest", () => {
  const axis = { from: 5, to: 6, scale: Math.fround(1.2), roi: [0, 1] } as const;
  expect(originalCoordinate("half_pixel", 2, axis)).toBe(Math.fround(2.5 / Math.fround(1.2)) - 0.5);
  expect([nearest("round_prefer_floor", 2.5), nearest("round_prefer_ceil", 2.5)]).toEqual([2, 3]);
});
