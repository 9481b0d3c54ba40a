/** @file Half precision against its definition: value = (-1)^s * 2^e * fraction, and the nearest half by search. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Half } from "../../../compiler/ir/half.js";
import { narrowed, widened } from "../../../compiler/ir/half.js";

const FORMATS = [
  ["float16", 5, 10],
  ["bfloat16", 8, 7],
] as const;

const ALL = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);

/** The value of a pattern by the definition of IEEE 754. */
function valueOf(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits & 0x7fff) >> fractionBits;
  const fraction = bits & (2 ** fractionBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction * 2 ** -fractionBits) * 2 ** (exponent - bias);
}

describe.each(FORMATS)("%s", (dtype: Half, exponentBits, fractionBits) => {
  test("every pattern widens to its value", () => {
    const wide = widened(ALL, dtype);
    const wrong = [...ALL].filter((bits) => !Object.is(wide[bits], valueOf(bits, exponentBits, fractionBits)));
    expect(wrong.filter((bits) => !Number.isNaN(wide[bits]))).toEqual([]);
  });

  test("every pattern comes back, NaN with its payload", () => {
    expect(narrowed(widened(ALL, dtype), dtype)).toEqual(ALL);
  });

  test("a float becomes the nearest half, the even one of two", () => {
    const positive = [...ALL.subarray(0, 2 ** 15)].filter((bits) =>
      Number.isFinite(valueOf(bits, exponentBits, fractionBits)),
    );
    const values = positive.map((bits) => valueOf(bits, exponentBits, fractionBits));
    const step = values.at(-1)! - values.at(-2)!;
    const nearest = (x: number): number => {
      if (x >= values.at(-1)! + step / 2) return positive.at(-1)! + 1;
      let [low, high] = [0, values.length - 1];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (values[middle]! <= x) low = middle;
        else high = middle;
      }
      const [down, up] = [x - values[low]!, values[high]! - x];
      return down < up || (down === up && low % 2 === 0) ? low : high;
    };
    const ties = fc.nat(values.length - 2).map((at) => (values[at]! + values[at + 1]!) / 2);
    const magnitude = fc.oneof(
      ties,
      fc.float({ noNaN: true, min: 0 }),
      fc.float({ noNaN: true, min: 0, max: Math.fround(1e5) }),
    );
    fc.assert(
      fc.property(magnitude, fc.boolean(), (x, isNegative) => {
        const [bits] = narrowed(Float32Array.of(isNegative ? -x : x), dtype);
        expect(bits).toBe(nearest(Math.fround(x)) + (isNegative ? 0x8000 : 0));
      }),
      { numRuns: 2000 },
    );
  });

  test("a NaN of float32 stays one, whatever its payload", () => {
    const narrow = narrowed(new Float32Array(Uint32Array.of(0x7f800001, 0xff800001, 0x7fffffff).buffer), dtype);
    expect([...widened(narrow, dtype)]).toEqual([NaN, NaN, NaN]);
  });
});
