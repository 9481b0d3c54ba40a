/**
 * @file Where an element of a resized axis lies on the original axis. Computed in single precision step by step, as
 * engines do: at half-way points one bit decides which neighbour is nearest.
 */
import { mismatch } from "./shape.js";

export const COORDINATE_MODES = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "tf_half_pixel_for_nn",
  "tf_crop_and_resize",
] as const;

export type CoordinateMode = (typeof COORDINATE_MODES)[number];

export type NearestMode = "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";

/** One resized axis. */
export interface ResizedAxis {
  readonly from: number;
  readonly to: number;
  /** Single precision. */
  readonly scale: number;
  /** Start and end of the crop, as shares of the axis; for tf_crop_and_resize only. */
  readonly roi: readonly [number, number];
}

const f = Math.fround;

/** The coordinate on the original axis of element `at` of the resized one. */
export function originalCoordinate(mode: CoordinateMode, at: number, { from, to, scale, roi }: ResizedAxis): number {
  switch (mode) {
    case "half_pixel":
      return f(f(f(at + 0.5) / scale) - 0.5);
    case "pytorch_half_pixel":
      return to > 1 ? f(f(f(at + 0.5) / scale) - 0.5) : 0;
    case "tf_half_pixel_for_nn":
      return f(f(at + 0.5) / scale);
    case "asymmetric":
      return f(at / scale);
    case "align_corners":
      return to === 1 ? 0 : f(f(at * (from - 1)) / (to - 1));
    case "half_pixel_symmetric": {
      const adjustment = f(to / f(scale * from));
      const offset = f(f(from / 2) * f(1 - adjustment));
      return f(offset + (at + 0.5) / scale - 0.5);
    }
    case "tf_crop_and_resize": {
      const [start, end] = [f(roi[0]), f(roi[1])];
      if (to <= 1) return f(0.5 * f(start + end) * (from - 1));
      return f(f(start * (from - 1)) + f(f(f(at * f(end - start)) * (from - 1)) / (to - 1)));
    }
    default:
      throw mismatch(
        `attribute "coordinate_transformation_mode" is unknown; got "${String(mode)}", expected one of ${COORDINATE_MODES.join(", ")}.`,
      );
  }
}

/** The whole coordinate that `mode` takes for `coordinate`; may lie outside the axis. */
export function nearest(mode: NearestMode, coordinate: number): number {
  switch (mode) {
    case "round_prefer_floor":
      return coordinate === Math.floor(coordinate) + 0.5 ? Math.floor(coordinate) : Math.round(coordinate);
    case "round_prefer_ceil":
      return Math.round(coordinate);
    case "floor":
      return Math.floor(coordinate);
    case "ceil":
      return Math.ceil(coordinate);
    default:
      throw mismatch(
        `attribute "nearest_mode" is unknown; got "${String(mode)}", expected round_prefer_floor, round_prefer_ceil, floor or ceil.`,
      );
  }
}
