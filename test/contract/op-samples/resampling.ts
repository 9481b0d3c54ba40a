/** @file Samples of ops that resize or sample images. */
import { COORDINATE_MODES } from "../../../compiler/ops/resize-coordinates.js";
import type { OpSample } from "./sample.js";
import { floats, int64s, literal } from "./sample.js";

const image = floats([1, 2, 5, 4]);
const scales = (...numbers: readonly number[]) => literal("float32", [numbers.length], numbers);
const modes = ["nearest", "linear", "cubic"] as const;

const resizes = modes.flatMap((mode) =>
  COORDINATE_MODES.flatMap((coordinate_transformation_mode): OpSample[] => {
    const attrs = { mode, coordinate_transformation_mode };
    const roi =
      coordinate_transformation_mode === "tf_crop_and_resize" ? scales(0, 0, 0.1, -0.2, 1, 1, 0.9, 1.3) : undefined;
    return [
      {
        op: "Resize",
        of: `${mode} ${coordinate_transformation_mode} up`,
        attrs,
        inputs: [image, roi, scales(1, 1, 2, 1.7)],
      },
      {
        op: "Resize",
        of: `${mode} ${coordinate_transformation_mode} down`,
        attrs,
        inputs: [image, roi, undefined, int64s(1, 2, 3, 2)],
      },
    ];
  }),
);

const grid = floats([1, 3, 2, 2], -1.3, 1.3);

/** The second box is larger than the image, and the third one has no extent. */
const boxes = literal("float32", [3, 4], [0.5, 0.3, 3.2, 4, -9, -4, 12.5, 8.7, 2, 3, 2, 1]);

export const resamplingSamples: readonly OpSample[] = [
  ...resizes,
  ...(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] as const).map((nearest_mode): OpSample => ({
    op: "Resize",
    of: `nearest ${nearest_mode}`,
    attrs: { nearest_mode, coordinate_transformation_mode: "asymmetric" },
    inputs: [image, undefined, scales(1, 1, 2, 0.75)],
  })),
  { op: "Resize", of: "nearest by whole factors", inputs: [image, undefined, scales(1, 1, 2, 3)] },
  {
    op: "Resize",
    of: "cubic excluding the outside",
    attrs: { mode: "cubic", exclude_outside: 1, cubic_coeff_a: -0.5 },
    inputs: [image, undefined, scales(1, 1, 1.6, 2)],
  },
  ...[0, 1].flatMap((exclude_outside) =>
    (["linear", "cubic"] as const).map((mode): OpSample => ({
      op: "Resize",
      of: `${mode} antialias ${exclude_outside ? "excluding the outside" : ""}`,
      attrs: { mode, antialias: 1, exclude_outside },
      inputs: [floats([1, 1, 9, 8]), undefined, undefined, int64s(1, 1, 4, 5)],
    })),
  ),
  {
    op: "Resize",
    of: "linear antialias up",
    attrs: { mode: "linear", antialias: 1 },
    inputs: [floats([1, 1, 3, 3]), undefined, scales(1, 1, 2, 1.5)],
  },
  ...(["stretch", "not_larger", "not_smaller"] as const).map((keep_aspect_ratio_policy): OpSample => ({
    op: "Resize",
    of: keep_aspect_ratio_policy,
    attrs: { mode: "linear", keep_aspect_ratio_policy, axes: [3, 2] },
    inputs: [image, undefined, undefined, int64s(7, 6)],
  })),
  {
    op: "Resize",
    of: "one axis",
    attrs: { mode: "linear" },
    inputs: [floats([2, 2, 5]), undefined, scales(1, 1, 1.6)],
  },
  {
    op: "Resize",
    of: "three axes",
    attrs: { mode: "linear" },
    inputs: [floats([1, 1, 2, 3, 2]), undefined, scales(1, 1, 2, 1.5, 2)],
  },
  {
    op: "Resize",
    of: "extrapolation",
    attrs: {
      mode: "linear",
      coordinate_transformation_mode: "tf_crop_and_resize",
      extrapolation_value: 3,
      axes: [2, 3],
    },
    inputs: [image, scales(-0.4, 0.2, 1.2, 1), undefined, int64s(6, 3)],
  },
  { op: "Resize", of: "nothing to do", attrs: { mode: "linear" }, inputs: [image, undefined, scales(1, 1, 1, 1)] },
  ...modes.flatMap((mode) =>
    (["zeros", "border", "reflection"] as const).flatMap((padding_mode) =>
      [0, 1].map((align_corners): OpSample => ({
        op: "GridSample",
        of: `${mode} ${padding_mode} align ${align_corners}`,
        attrs: { mode, padding_mode, align_corners },
        inputs: [image, mode === "nearest" ? { ...grid, dtype: "float32" } : grid],
      })),
    ),
  ),
  { op: "GridSample", of: "a volume", inputs: [floats([2, 1, 3, 2, 3]), floats([2, 2, 1, 2, 3], -1.2, 1.2)] },
  ...[0, 1].flatMap((align_corners): OpSample[] => [
    {
      op: "AffineGrid",
      of: `2-d align ${align_corners}`,
      attrs: { align_corners },
      inputs: [floats([2, 2, 3]), int64s(2, 1, 3, 4)],
    },
    {
      op: "AffineGrid",
      of: `3-d align ${align_corners}`,
      attrs: { align_corners },
      inputs: [floats([1, 3, 4]), int64s(1, 2, 2, 3, 2)],
    },
  ]),
  ...(["half_pixel", "output_half_pixel"] as const).flatMap((coordinate_transformation_mode) =>
    (["avg", "max"] as const).flatMap((mode) =>
      [2, 0].map((sampling_ratio): OpSample => ({
        op: "RoiAlign",
        of: `${coordinate_transformation_mode} ${mode} ${sampling_ratio}`,
        attrs: { coordinate_transformation_mode, mode, sampling_ratio, output_height: 2, output_width: 3 },
        inputs: [floats([2, 2, 5, 5]), boxes, literal("int64", [3], [1, 0, 1])],
      })),
    ),
  ),
  {
    op: "MaxRoiPool",
    attrs: { pooled_shape: [2, 3], spatial_scale: 0.9 },
    inputs: [floats([2, 2, 6, 5]), literal("float32", [3, 5], [1, 0.6, 0.3, 4.4, 6.2, 0, -3, 2, 1, 9, 1, 7, 7, 9, 9])],
  },
];
