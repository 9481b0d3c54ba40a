/** @file Where RoiAlign samples an image: per axis, as many samples in each bin of a box as asked, or as the box is large. */
import { listed } from "../ir/listed.js";
import type { Value } from "../ir/graph.js";
import { literalNumbers, literalOf } from "../ir/literal.js";
import type { Candidates } from "./bin-maximum.js";
import type { Emitter } from "./define.js";
import { asType, reshape, slice, sumOver } from "./emission.js";
import { add, div, greater, mul, select, sub } from "./expression.js";
import type { RoiAlignAttrs } from "./roi-align.js";

/** One axis of the boxes: columns of its start and end, bins, and elements of the image. */
export interface BoxAxis {
  readonly start: number;
  readonly end: number;
  readonly bins: number;
  readonly size: number;
}

/** The samples of every bin along one axis of an image. */
interface BinSamples {
  /** [boxes, bins, samples], within the image. */
  readonly coordinate: Value;
  /** 1 where a sample counts, 0 where it lies more than one element outside or is none; of the same shape. */
  readonly counts: Value;
  /** False where there is no sample; undefined: all are. */
  readonly holds: Value | undefined;
  /** One divided by the samples of a bin; [boxes, 1, 1] or a scalar. */
  readonly share: Value;
}

/**
 * Samples outside that are looked at before and after those within: the maximum is over their zeros too, and rounding
 * may be off by one.
 */
const MARGIN = 2;

/** 0, 1, 2, … */
export function counting(b: Emitter, like: Value, count: number): Value {
  const numbers = listed(count, (at) => at);
  return b.literal(literalOf(like.type.dtype, [count], numbers));
}

/** Size of the largest of the boxes along an axis, 0 at least; undefined when the boxes are not known. */
export function largestExtent({ literal, type }: Value, { start, end }: BoxAxis, scale: number): number | undefined {
  if (!literal) return undefined;
  const numbers = literalNumbers(literal);
  const extents = numbers.flatMap((from, at) =>
    at % type.shape[1]! === start ? [(numbers[at + end - start]! - from) * scale] : [],
  );
  return extents.reduce((most, extent) => Math.max(most, extent), 0);
}

/**
 * Samples per bin that may matter when their number is ceil(b) for a bin of b elements. Samples of a bin with n of
 * them are more than (n − 1)/n apart, so at most size + 2 lie within −1..size. Known boxes may need fewer.
 */
function mostSamples(boxes: Value, axis: BoxAxis, scale: number): number {
  const bound = axis.size + 2 + 2 * MARGIN;
  const largest = largestExtent(boxes, axis, scale);
  return largest === undefined ? bound : Math.min(bound, Math.ceil(Math.max(1, largest) / axis.bins) + 1);
}

function binSamples(b: Emitter, boxes: Value, axis: BoxAxis, attrs: RoiAlignAttrs["RoiAlign"]): BinSamples {
  const { bins, size } = axis;
  const { dtype, shape } = boxes.type;
  const isLegacy = attrs.coordinate_transformation_mode === "output_half_pixel";
  const edge = (column: number): Value => {
    const scaled = mul(b, slice(b, boxes, [{ axis: 1, start: column, end: column + 1 }]), attrs.spatial_scale);
    return reshape(b, isLegacy ? scaled : sub(b, scaled, 0.5), [shape[0]!, 1, 1]);
  };
  const [from, to] = [edge(axis.start), edge(axis.end)];
  const extent = isLegacy ? b.emit("Max", [sub(b, to, from), b.scalar(1, dtype)]) : sub(b, to, from);
  const bin = div(b, extent, bins);
  const starts = add(b, from, mul(b, bin, reshape(b, counting(b, boxes, bins), [bins, 1])));
  if (attrs.sampling_ratio > 0) {
    const ratio = attrs.sampling_ratio;
    const shares = listed(ratio, (at) => (at + 0.5) / ratio);
    const coordinate = add(b, starts, mul(b, bin, b.literal(literalOf(dtype, [ratio], shares))));
    return { ...within(b, coordinate, size), holds: undefined, share: b.scalar(1 / ratio, dtype) };
  }
  const samples = b.emit("Ceil", [bin]);
  const divisor = b.emit("Max", [samples, b.scalar(1, dtype)]);
  const step = div(b, bin, divisor);
  const entering = sub(b, b.emit("Ceil", [sub(b, div(b, sub(b, -1, starts), step), 0.5)]), MARGIN);
  const first = select(b, greater(b, samples, 1), b.emit("Max", [entering, b.scalar(0, dtype)]), 0);
  const number = add(b, first, counting(b, boxes, mostSamples(boxes, axis, attrs.spatial_scale)));
  const coordinate = add(b, starts, mul(b, add(b, number, 0.5), step));
  const holds = greater(b, samples, number);
  const { counts, ...inside } = within(b, coordinate, size);
  return { ...inside, counts: mul(b, counts, asType(b, holds, dtype)), holds, share: div(b, 1, divisor) };
}

function within(b: Emitter, coordinate: Value, size: number): Pick<BinSamples, "coordinate" | "counts"> {
  const { dtype } = coordinate.type;
  const low = b.emit("GreaterOrEqual", [coordinate, b.scalar(-1, dtype)]);
  const high = b.emit("LessOrEqual", [coordinate, b.scalar(size, dtype)]);
  return {
    coordinate: b.emit("Clip", [coordinate, b.scalar(0, dtype), b.scalar(size - 1, dtype)]),
    counts: asType(b, b.emit("And", [low, high]), dtype),
  };
}

/** How much of each element of an axis is in the mean of each bin, [boxes, bins, size]. */
export function meanWeights(b: Emitter, boxes: Value, axis: BoxAxis, attrs: RoiAlignAttrs["RoiAlign"]): Value {
  const { coordinate, counts, share } = binSamples(b, boxes, axis, attrs);
  const spread = (value: Value): Value => reshape(b, value, [...value.type.shape, 1]);
  const distance = b.emit("Abs", [sub(b, spread(coordinate), counting(b, boxes, axis.size))]);
  const weights = mul(b, b.emit("Relu", [sub(b, 1, distance)]), spread(counts));
  return mul(b, sumOver(b, weights, [2]), share);
}

/** The two neighbours of every sample along an axis, each with its weight. */
export function weightedNeighbours(
  b: Emitter,
  boxes: Value,
  axis: BoxAxis,
  attrs: RoiAlignAttrs["RoiAlign"],
): Candidates {
  const { coordinate, counts, holds } = binSamples(b, boxes, axis, attrs);
  const [count, bins, samples] = coordinate.type.shape as readonly [number, number, number];
  const first = b.emit("Floor", [coordinate]);
  const t = sub(b, coordinate, first);
  const second = b.emit("Min", [add(b, first, 1), b.scalar(axis.size - 1, first.type.dtype)]);
  const pairs = (values: readonly [Value, Value]): Value => {
    const columns = values.map((value) => reshape(b, value, [count, bins, samples, 1]));
    return reshape(b, b.emit("Concat", columns, { axis: 3 }), [count, bins, 2 * samples]);
  };
  return {
    position: asType(b, pairs([first, second]), "int64"),
    weight: pairs([mul(b, sub(b, 1, t), counts), mul(b, t, counts)]),
    holds: holds && pairs([holds, holds]),
  };
}
