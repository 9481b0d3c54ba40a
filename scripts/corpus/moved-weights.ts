/**
 * @file Weights moved by one unit in the last place, for curves that miss a limit.
 *
 * A network with kinks (ReLU, max pooling) can pass one on either side by rounding alone, and from there on its curves
 * part. Weights of resnet50-bottleneck that are moved by one ulp give losses 8e-3 apart after ten steps of SGD; of
 * mobilenet-v2-narrow under AdamW, with another form of the same gradient, two of four starts were off by the same 2.1e-5
 * at step 7 and the other two by 2e-8. Runs that agree so well within two bundles show a kink, not noise. So a curve is
 * also right if one from weights that close keeps every limit: the usual meaning of stable, nearly the right answer to
 * nearly the right question (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 1.5). No limit is
 * raised: to allow the spread of such runs would let a noisy gradient excuse itself. Cases that need this are told apart.
 */
import { RandomStream } from "../../compiler/random.js";

/** Starts that are tried: of two equally likely bundles, all of them miss one in fewer than 1 of 100 cases. */
export const MOVED_STARTS = 8;

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
