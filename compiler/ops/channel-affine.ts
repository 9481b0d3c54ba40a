/**
 * @file Affine maps with one factor and one offset per channel, and the gradient of shifting and scaling channels to
 * mean 0 and variance 1: what normalizations share. A row of a matrix is a channel of [1, rows, columns]; a tensor whose
 * elements all have the same factor and offset is one channel, a line.
 */
import type { Shape, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Emitter } from "./define.js";
import { filled, meanOver, reshape, sumOver } from "./emission.js";
import { add, div, mul, square } from "./expression.js";

/** Zeros and ones [C], which affine maps of the same channels share. */
export interface ChannelUnits {
  readonly zero: Value;
  readonly one: Value;
}

/** The units of the channels of x [N, C, …]. */
export function channelUnits(b: Emitter, { type: { dtype, shape } }: Value): ChannelUnits {
  const type = { dtype, shape: [shape[1]!] };
  return { zero: filled(b, type, 0), one: filled(b, type, 1) };
}

/** What an affine map multiplies by and adds, [C]. */
export interface ChannelMap {
  readonly factor?: Value;
  readonly offset?: Value;
}

/**
 * x · factor + offset with x [N, C, …]. It is a BatchNormalization with mean 0, variance 1 and ε 0: one pass, where
 * two broadcasts would be two slower ones.
 */
export function channelAffine(b: Emitter, x: Value, { zero, one }: ChannelUnits, map: ChannelMap): Value {
  return b.emit("BatchNormalization", [x, map.factor ?? one, map.offset ?? zero, zero, one], { epsilon: 0 });
}

/** All elements of a tensor as one channel, [1, 1, elements]. */
export function asLine(b: Emitter, x: Value): Value {
  return reshape(b, x, [1, 1, elementCount(x.type.shape)]);
}

/** x · factor + offset with x a line: one pass over it. */
export function lineAffine(b: Emitter, x: Value, factor: number, offset: number): Value {
  const one = { dtype: x.type.dtype, shape: [1] };
  return channelAffine(b, x, channelUnits(b, x), { factor: filled(b, one, factor), offset: filled(b, one, offset) });
}

/** The axes that a channel's statistics run over; those of size 1 are left out. */
function statisticsAxes(x: Value): readonly number[] {
  return x.type.shape.flatMap((size, axis) => (axis === 1 || (axis === 0 && size === 1) ? [] : [axis]));
}

/** Sum of each channel, [C]. */
export function channelSum(b: Emitter, x: Value): Value {
  return reshape(b, sumOver(b, x, statisticsAxes(x)), [x.type.shape[1]!]);
}

/** What the gradient of a normalization needs of its input. */
export interface Centered {
  readonly units: ChannelUnits;
  /** x minus the mean of its channel. */
  readonly centered: Value;
  /** One over the standard deviation, [C]. */
  readonly inverse: Value;
}

/** 1 / √(variance + ε). */
export function inverseDeviation(b: Emitter, variance: Value, epsilon: number): Value {
  return div(b, 1, b.emit("Sqrt", [add(b, variance, epsilon)]));
}

/** x minus the mean of its channel, where the mean is known. */
export function centeredBy(b: Emitter, x: Value, units: ChannelUnits, mean: Value): Value {
  return channelAffine(b, x, units, { offset: b.emit("Neg", [mean]) });
}

/** Centers x [N, C, …] and takes the population variance. */
export function centeredChannels(b: Emitter, x: Value, epsilon: number): Centered {
  const channels = [x.type.shape[1]!];
  const axes = statisticsAxes(x);
  const units = channelUnits(b, x);
  const centered = centeredBy(b, x, units, reshape(b, meanOver(b, x, axes), channels));
  const variance = reshape(b, meanOver(b, square(b, centered), axes), channels);
  return { units, centered, inverse: inverseDeviation(b, variance, epsilon) };
}

/** Sums per channel, [C]. */
export interface GradientSums {
  /** Σ d. */
  readonly ofGradient: Value;
  /** Σ d·(x − mean). */
  readonly ofProduct: Value;
}

/**
 * The gradient that arrives at x [N, C, …] when x̂ = (x − mean)·inverse has gradient d: with m elements per channel
 * inverse·(d − Σd/m) − (x − mean)·inverse³·Σd·(x − mean)/m. A `scale` [C] stands for d·scale in place of d. It gets
 * `shape`, which the last node writes: a reshape at the end would be one more copy where the gradient is a result.
 */
export function normalizedGradient(
  b: Emitter,
  d: Value,
  { units, centered, inverse }: Centered,
  sums: GradientSums,
  { shape, scale }: { readonly shape: Shape; readonly scale?: Value },
): Value {
  const share = -1 / (elementCount(d.type.shape) / d.type.shape[1]!);
  const factor = scale ? mul(b, scale, inverse) : inverse;
  const along = mul(b, mul(b, mul(b, factor, square(b, inverse)), sums.ofProduct), share);
  const offset = mul(b, mul(b, factor, sums.ofGradient), share);
  const straight = channelAffine(b, d, units, { factor, offset });
  const aside = channelAffine(b, centered, units, { factor: along });
  return add(b, reshape(b, straight, shape), reshape(b, aside, shape));
}
