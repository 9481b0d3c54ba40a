/**
 * @file Resizing one axis as a sparse matrix: the weights with which elements of the original axis enter each element
 * of the resized one. Sources: the ONNX specification of Resize; for antialias, Pillow's filters as ONNX Runtime uses them.
 */
import { listed } from "../ir/listed.js";
import type { CoordinateMode, NearestMode, ResizedAxis } from "./resize-coordinates.js";
import { nearest, originalCoordinate } from "./resize-coordinates.js";

/** The attributes of Resize that decide weights. */
export interface Interpolation {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly coordinate_transformation_mode: CoordinateMode;
  readonly nearest_mode: NearestMode;
  readonly cubic_coeff_a: number;
  readonly exclude_outside: number;
  readonly antialias: number;
}

/** Weight by position on the original axis. */
export type WeightRow = ReadonlyMap<number, number>;

const clamp = (position: number, size: number): number => Math.min(Math.max(position, 0), size - 1);

/** Sums weights of equal positions after clamping them to the axis. */
function clamped(weights: readonly (readonly [number, number])[], size: number): WeightRow {
  const row = new Map<number, number>();
  for (const [position, weight] of weights) {
    const inside = clamp(position, size);
    row.set(inside, (row.get(inside) ?? 0) + weight);
  }
  return row;
}

/** Keys' cubic convolution kernel. Source: R. G. Keys, Cubic convolution interpolation for digital image processing, 1981. */
function cubicKernel(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

function normalized(weights: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return weights.map(([position, weight]) => [position, weight / (total || 1)] as const);
}

function linearRow(coordinate: number, size: number): WeightRow {
  const inside = Math.min(Math.max(coordinate, 0), size - 1);
  const low = Math.floor(inside);
  const share = inside - low;
  return clamped(
    share === 0
      ? [[low, 1]]
      : [
          [low, 1 - share],
          [low + 1, share],
        ],
    size,
  );
}

function cubicRow(coordinate: number, size: number, { cubic_coeff_a, exclude_outside }: Interpolation): WeightRow {
  const low = Math.floor(coordinate);
  const weights = [-1, 0, 1, 2].map((offset) => {
    const position = low + offset;
    return [position, cubicKernel(coordinate - position, cubic_coeff_a)] as const;
  });
  if (!exclude_outside) return clamped(weights, size);
  return new Map(normalized(weights.filter(([position]) => position >= 0 && position < size)));
}

/** Widens the kernel by the factor of shrinking, so that every original element is seen. */
function antialiasedRow(coordinate: number, { from, scale }: ResizedAxis, how: Interpolation): WeightRow {
  const width = Math.max(1, 1 / scale);
  const support = (how.mode === "cubic" ? 2 : 1) * width;
  const center = coordinate + 0.5;
  const [first, end] = [Math.floor(center - support + 0.5), Math.floor(center + support + 0.5)];
  const positions = listed(Math.max(0, end - first), (at) => first + at);
  const inside = (position: number): boolean => !how.exclude_outside || (position >= 0 && position < from);
  const weights = positions.filter(inside).map((position) => {
    const distance = (position - center + 0.5) / width;
    const weight =
      how.mode === "cubic" ? cubicKernel(distance, how.cubic_coeff_a) : Math.max(0, 1 - Math.abs(distance));
    return [position, weight] as const;
  });
  return clamped(normalized(weights), from);
}

/** One row per element of the resized axis. A row without weights stands for the extrapolation value. */
export function resizeRows(axis: ResizedAxis, how: Interpolation): readonly WeightRow[] {
  const crops = how.coordinate_transformation_mode === "tf_crop_and_resize";
  return listed(axis.to, (at) => {
    const coordinate = axis.scale === 1 ? at : originalCoordinate(how.coordinate_transformation_mode, at, axis);
    if (crops && (coordinate < 0 || coordinate > axis.from - 1)) return new Map<number, number>();
    if (how.mode === "nearest") return new Map([[clamp(nearest(how.nearest_mode, coordinate), axis.from), 1]]);
    if (how.antialias) return antialiasedRow(coordinate, axis, how);
    return how.mode === "linear" ? linearRow(coordinate, axis.from) : cubicRow(coordinate, axis.from, how);
  });
}
