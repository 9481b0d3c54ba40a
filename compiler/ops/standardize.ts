/** @file Shifting and scaling to mean 0 and variance 1 over some axes, and its adjoint: what normalizations share. */
import type { Value } from "../ir/graph.js";
import type { Emitter } from "./define.js";
import { meanOver } from "./emission.js";
import { add, div, mul, square, sub } from "./expression.js";

/** `centered · inverse` has mean 0 and variance 1 over the axes. */
export interface Standardized {
  readonly normalized: Value;
  /** One over the standard deviation, with size 1 along the axes. */
  readonly inverse: Value;
  readonly axes: readonly number[];
}

/** Standardizes with the population variance. */
export function standardized(b: Emitter, x: Value, axes: readonly number[], epsilon: number): Standardized {
  const centered = sub(b, x, meanOver(b, x, axes));
  const inverse = inverseDeviation(b, meanOver(b, square(b, centered), axes), epsilon);
  return { normalized: mul(b, centered, inverse), inverse, axes };
}

/** 1 / √(variance + ε). */
export function inverseDeviation(b: Emitter, variance: Value, epsilon: number): Value {
  return div(b, 1, b.emit("Sqrt", [add(b, variance, epsilon)]));
}

/** The gradient that arrives at x when the standardized x̂ has gradient d: (d − mean d − x̂·mean(d·x̂)) / deviation. */
export function standardizedGradient(b: Emitter, d: Value, { normalized, inverse, axes }: Standardized): Value {
  const along = meanOver(b, mul(b, d, normalized), axes);
  const rest = sub(b, sub(b, d, meanOver(b, d, axes)), mul(b, normalized, along));
  return mul(b, rest, inverse);
}
