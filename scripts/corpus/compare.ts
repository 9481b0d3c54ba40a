/** @file Comparing tensors with a reference: one number, and whether it is small enough. */
import type { StoredTensor } from "../../compiler/plan/safetensors.js";

/** Outcome of one comparison: the error relative to `scale`, and the limit that it had to keep. */
export interface Comparison {
  readonly name: string;
  readonly error: number;
  readonly limit: number;
  /** Only a curve from weights one ulp away keeps the limits, see moved-weights.ts. */
  readonly isFromMovedWeights?: boolean;
}

/** Elements of a float32, float64 or integer tensor as plain numbers. */
export function numbersOf({ dtype, bytes }: StoredTensor): ArrayLike<number> {
  const { buffer } = new Uint8Array(bytes);
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    case "int64":
      return Array.from(new BigInt64Array(buffer), Number);
    case "int32":
      return new Int32Array(buffer);
    case "bool":
    case "uint8":
      return new Uint8Array(buffer);
    default:
      throw new Error(`no comparison for ${dtype}`);
  }
}

/** Largest difference divided by `scale`; Infinity when lengths differ or a NaN stands on one side only. */
export function relativeError(got: ArrayLike<number>, wanted: ArrayLike<number>, scale: number): number {
  if (got.length !== wanted.length) return Infinity;
  let largest = 0;
  for (let index = 0; index < wanted.length; index++) {
    if (Object.is(got[index], wanted[index])) continue;
    const difference = Math.abs(got[index]! - wanted[index]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest === 0 ? 0 : largest / (scale || 1);
}

/** True when the error keeps the limit. */
export function isWithin({ error, limit }: Comparison): boolean {
  return error <= limit;
}
