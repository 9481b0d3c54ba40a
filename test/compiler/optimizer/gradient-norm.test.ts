/** @file Sums of squares and what they scale gradients by. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { clipFactor, sumOfSquares } from "../../../compiler/optimizer/gradient-norm.js";

it("the sum of squares is that of float64 within its rounding, for every length", () => {
  fc.assert(
    fc.property(fc.float32Array({ maxLength: 100, noNaN: true, noDefaultInfinity: true }), (values) => {
      const exact = [...values].reduce((sum, value) => sum + value ** 2, 0);
      expect(Math.abs(sumOfSquares(values) - exact)).toBeLessThanOrEqual(exact * values.length * 2 ** -52);
    }),
  );
});

it("is not finite exactly when an element is not", () => {
  expect(sumOfSquares(new Float32Array(9).fill(-3.4e38))).toBeLessThan(Infinity);
  for (const bad of [NaN, Infinity, -Infinity])
    for (const at of [0, 7, 8]) {
      const values = new Float32Array(9);
      values[at] = bad;
      expect(Number.isFinite(sumOfSquares(values))).toBe(false);
    }
});

it("gradients are scaled down to the norm, and never up", () => {
  expect(clipFactor(4, 1)).toBeCloseTo(0.25, 6);
  expect(clipFactor(0.5, 1)).toBe(1);
  expect(clipFactor(0, 1)).toBe(1);
  expect(4 * clipFactor(4, 1)).toBeLessThanOrEqual(1);
});
