/**
 * @file Half precision as bit patterns, to and from float32. float16 is IEEE 754 binary16: 1 sign, 5 exponent and 10
 * fraction bits, at most 65504; bfloat16 is the upper half of a float32.
 */
import type { DType } from "./graph.js";

/** The element types of two bytes with an exponent. */
export type Half = "float16" | "bfloat16";

/** What of a file is of one half-precision type and is float32 in training. */
export interface Conversion {
  readonly from: Half;
  readonly parameters: number;
  readonly inputs: number;
  /** Nodes that convert to `from` in the file. */
  readonly casts: number;
}

/** True for float16 and bfloat16. */
export function isHalf(dtype: DType): dtype is Half {
  return dtype === "float16" || dtype === "bfloat16";
}

/** Halves as float32, every one exactly; the payload of a NaN comes along. */
export function widened(halves: Uint16Array, dtype: Half): Float32Array {
  const bits = new Uint32Array(halves.length);
  if (dtype === "bfloat16") for (let at = 0; at < halves.length; at++) bits[at] = halves[at]! << 16;
  else for (let at = 0; at < halves.length; at++) bits[at] = widenedFloat16(halves[at]!);
  return new Float32Array(bits.buffer);
}

/** float32 rounded to the nearest half, ties to even; what is too large becomes infinite. Undoes `widened` bit for bit. */
export function narrowed(floats: Float32Array, dtype: Half): Uint16Array {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const round = dtype === "bfloat16" ? narrowedToBfloat16 : narrowedToFloat16;
  const halves = new Uint16Array(bits.length);
  for (let at = 0; at < bits.length; at++) halves[at] = round(bits[at]!);
  return halves;
}

/** The same, but finite numbers stay finite: `saturated` of them, too large, become the largest half. */
export function saturatedHalves(
  floats: Float32Array,
  dtype: Half,
): { readonly halves: Uint16Array; readonly saturated: number } {
  const halves = narrowed(floats, dtype);
  const infinite = dtype === "bfloat16" ? INFINITE >> 16 : INFINITE_FLOAT16;
  let saturated = 0;
  for (let at = 0; at < halves.length; at++) {
    if ((halves[at]! & 0x7fff) !== infinite || !Number.isFinite(floats[at])) continue;
    halves[at]! -= 1;
    saturated++;
  }
  return { halves, saturated };
}

const INFINITE = 0x7f800000;
const INFINITE_FLOAT16 = 0x7c00;
/** 2⁻¹⁴, the smallest normal float16, and 2¹⁶, the first power of two above all of them. */
const SMALLEST_NORMAL = 0x38800000;
const ABOVE_ALL = 0x47800000;
/** What the exponents of the two formats differ by, in place. */
const REBIAS = 0x38000000;

function widenedFloat16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | INFINITE | (fraction << 13);
  if (exponent > 0) return sign | ((half & 0x7fff) * 2 ** 13 + REBIAS);
  if (fraction === 0) return sign;
  // A multiple of 2⁻²⁴ whose leading bit is at `lead`: normal in float32.
  const lead = 31 - Math.clz32(fraction);
  return sign | ((lead + 103) << 23) | ((fraction << (23 - lead)) & 0x7fffff);
}

function narrowedToFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > INFINITE) return sign | INFINITE_FLOAT16 | ((magnitude >> 13) & 0x3ff || 0x200);
  if (magnitude >= ABOVE_ALL) return sign | INFINITE_FLOAT16;
  if (magnitude >= SMALLEST_NORMAL) return sign | shiftedEven(magnitude - REBIAS, 13);
  const exponent = magnitude >>> 23;
  // Below 2⁻²⁵ everything rounds to zero.
  return exponent < 102 ? sign : sign | shiftedEven((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
}

function narrowedToBfloat16(bits: number): number {
  const magnitude = bits & 0x7fffffff;
  if (magnitude > INFINITE) return (bits >>> 16) & 0x7f ? bits >>> 16 : (bits >>> 16) | 0x40;
  return ((bits >>> 16) & 0x8000) | shiftedEven(magnitude, 16);
}

/** `number` / 2^`shift`, rounded to the nearest integer, ties to even. Requires: 0 < `shift` < 31. */
function shiftedEven(number: number, shift: number): number {
  const floor = number >>> shift;
  const rest = number & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && floor & 1) ? floor + 1 : floor;
}
