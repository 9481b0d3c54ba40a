/** @file RoiAlign: averages an image over the bins of boxes. */
import { PipewrightError } from "../errors.js";
import type { Value } from "../ir/graph.js";
import { elementCount, literalOf } from "../ir/literal.js";
import type { Emitter, OpDef } from "./define.js";
import { float, int, text } from "./define.js";
import { asType, reshape, slice, transpose, zeros } from "./emission.js";
import { add, mul, sub } from "./expression.js";
import type { Tap } from "./lattice.js";
import { imageGradient } from "./lattice.js";
import { formatShape, mismatch, sameShape, typeAt } from "./shape.js";
import { trafficBytes } from "./work.js";

export interface RoiAlignAttrs {
  RoiAlign: {
    readonly coordinate_transformation_mode: "half_pixel" | "output_half_pixel";
    readonly mode: "avg" | "max";
    readonly output_height: number;
    readonly output_width: number;
    readonly sampling_ratio: number;
    readonly spatial_scale: number;
  };
}

type Attrs = RoiAlignAttrs["RoiAlign"];

/** One axis of the boxes: columns of its start and end, bins, and elements of the image. */
interface BoxAxis {
  readonly start: number;
  readonly end: number;
  readonly bins: number;
  readonly size: number;
}

/** Coordinates of the samples of every box along one axis, [R, bins·samplesPerBin]. */
function sampleCoordinates(b: Emitter, boxes: Value, { start, end, bins }: BoxAxis, attrs: Attrs): Value {
  const edge = (column: number): Value =>
    sub(
      b,
      mul(b, slice(b, boxes, [{ axis: 1, start: column, end: column + 1 }]), attrs.spatial_scale),
      attrs.coordinate_transformation_mode === "half_pixel" ? 0.5 : 0,
    );
  const [from, to] = [edge(start), edge(end)];
  const extent = sub(b, to, from);
  const legacy = attrs.coordinate_transformation_mode === "output_half_pixel";
  const length = legacy ? b.emit("Max", [extent, b.scalar(1, extent.type.dtype)]) : extent;
  const count = bins * attrs.sampling_ratio;
  const shares = Array.from({ length: count }, (_, at) => (at + 0.5) / count);
  return add(b, from, mul(b, length, b.literal(literalOf(boxes.type.dtype, [1, count], shares))));
}

/** The two neighbours of every sample. Samples more than one element outside count nothing. */
function neighbours(b: Emitter, coordinate: Value, size: number): readonly Tap[] {
  const { dtype } = coordinate.type;
  const low = b.emit("GreaterOrEqual", [coordinate, b.scalar(-1, dtype)]);
  const high = b.emit("LessOrEqual", [coordinate, b.scalar(size, dtype)]);
  const counts = asType(b, b.emit("And", [low, high]), dtype);
  const last = b.scalar(size - 1, dtype);
  const inside = b.emit("Clip", [coordinate, b.scalar(0, dtype), last]);
  const first = b.emit("Floor", [inside]);
  const t = sub(b, inside, first);
  return [
    { position: asType(b, first, "int64"), weight: mul(b, sub(b, 1, t), counts) },
    { position: asType(b, b.emit("Min", [add(b, first, 1), last]), "int64"), weight: mul(b, t, counts) },
  ];
}

/** Gives taps of [R, own] to every sample of [R, height·width], the axis with `own` samples being the given one. */
function everywhere(b: Emitter, taps: readonly Tap[], counts: readonly [number, number], axis: 0 | 1): readonly Tap[] {
  const spread = (value: Value): Value => {
    const boxes = value.type.shape[0]!;
    const own = reshape(b, value, axis === 0 ? [boxes, counts[0], 1] : [boxes, 1, counts[1]]);
    return reshape(b, b.emit("Expand", [own, b.int64s([boxes, ...counts])]), [boxes, counts[0] * counts[1]]);
  };
  return taps.map(({ position, weight }) => ({ position: spread(position), weight: spread(weight) }));
}

function checkDifferentiable({ mode, sampling_ratio }: Attrs): void {
  if (mode === "avg" && sampling_ratio > 0) return;
  const reason =
    mode === "avg"
      ? "the number of samples per bin depends on the boxes (sampling_ratio=0)"
      : 'the maximum is over weighted neighbours (mode="max")';
  throw new PipewrightError(
    "MODEL_UNSUPPORTED",
    `RoiAlign has no gradient here: ${reason}. Export with mode="avg" and a positive sampling_ratio.`,
  );
}

export const roiAlign: { readonly [K in keyof RoiAlignAttrs]: OpDef<K> } = {
  RoiAlign: {
    attributes: {
      coordinate_transformation_mode: text<Attrs["coordinate_transformation_mode"]>("half_pixel"),
      mode: text<Attrs["mode"]>("avg"),
      output_height: int(1),
      output_width: int(1),
      sampling_ratio: int(0),
      spatial_scale: float(1),
    },
    infer: (x, { output_height, output_width }) => {
      const { dtype, shape } = typeAt(x, 0);
      const [boxes, batch] = [typeAt(x, 1).shape, typeAt(x, 2).shape];
      if (shape.length !== 4 || boxes.length !== 2 || boxes[1] !== 4 || !sameShape(batch, [boxes[0]!])) {
        throw mismatch(
          `boxes do not fit; got image ${formatShape(shape)}, boxes ${formatShape(boxes)} and batch indices ${formatShape(batch)}, expected [N,C,H,W], [R,4] and [R].`,
        );
      }
      return [{ dtype, shape: [boxes[0]!, shape[1]!, output_height, output_width] }];
    },
    work: (x, y, { sampling_ratio }) => ({
      flops: 8 * Math.max(1, sampling_ratio) ** 2 * elementCount(y[0]!.shape),
      bytes: trafficBytes(x, y),
    }),
    // The boxes get no gradient, as in torch. Every sample hands on its share of its bin's gradient.
    grad: (b, { x: [x, boxes, batch], dy: [dy], attrs }) => {
      checkDifferentiable(attrs);
      const [, channels, height, width] = x!.type.shape as readonly [number, number, number, number];
      const [count, ratio] = [boxes!.type.shape[0]!, attrs.sampling_ratio];
      if (elementCount(x!.type.shape) * count === 0) return [zeros(b, x!.type), undefined, undefined];
      const [rows, columns] = [attrs.output_height, attrs.output_width];
      const axes: readonly BoxAxis[] = [
        { start: 1, end: 3, bins: rows, size: height },
        { start: 0, end: 2, bins: columns, size: width },
      ];
      const samples = [rows * ratio, columns * ratio] as const;
      const taps = axes.map((axis, at) =>
        everywhere(b, neighbours(b, sampleCoordinates(b, boxes!, axis, attrs), axis.size), samples, at as 0 | 1),
      );
      const share = reshape(b, mul(b, dy!, 1 / ratio ** 2), [count, channels, rows, 1, columns, 1]);
      const spread = b.emit("Expand", [share, b.int64s([count, channels, rows, ratio, columns, ratio])]);
      const perSample = transpose(b, reshape(b, spread, [count, channels, samples[0] * samples[1]]), [0, 2, 1]);
      const image = reshape(b, batch!, [count, 1]);
      return [imageGradient(b, { x: x!, taps, image }, perSample), undefined, undefined];
    },
  },
};
