/**
 * @file How far a training curve moves when its first weights move by one unit in the last place.
 *
 * A network with kinks (ReLU, max pooling) can pass one on either side by rounding alone, and from there on the curves
 * part: of resnet50-bottleneck, weights moved by one ulp give losses up to 8e-3 apart after ten steps of SGD, in one of
 * two bundles, while mobilenet-v2-narrow stays within 2e-7. No float32 implementation can be told right or wrong below
 * that distance, so a curve that misses its limit is allowed what was measured on it, step by step: before the kink the
 * runs agree to 1e-7 and an error of ours still shows.
 */
import { RandomStream } from "../../compiler/random.js";

/** Runs from moved weights: if two bundles are equally likely, all fall into one in fewer than 1 of 100 cases. */
export const PERTURBATIONS = 8;

/** float32 weights, each one unit in its last place up or down at random. Depends on seed and name only. */
export function movedByOneUlp(bytes: Uint8Array, seed: number, name: string): Uint8Array {
  const moved = bytes.slice();
  const bits = new Int32Array(moved.buffer);
  const stream = new RandomStream(seed, name);
  for (let at = 0; at < bits.length; at++) {
    const magnitude = bits[at]! & 0x7fffffff;
    if (magnitude !== 0 && magnitude < 0x7f7fffff) bits[at]! += stream.word() & 1 ? 1 : -1;
  }
  return moved;
}

/** By step, the largest distance between any two curves. Requires: curves of equal length. */
export function spreadOf(curves: readonly (readonly number[])[]): readonly number[] {
  return curves[0]!.map((_, step) => {
    const losses = curves.map((curve) => curve[step]!);
    return Math.max(...losses) - Math.min(...losses);
  });
}
