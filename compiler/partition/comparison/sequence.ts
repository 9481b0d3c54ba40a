/** @file A sequence of nodes cut into pieces: what the cutters of other tools have in common. */
import { closureOf } from "../closure.js";
import { instanceOf } from "../instance.js";
import type { Instance } from "../instance.js";
import { candidateOrders } from "../orders.js";
import type { PartitionProblem } from "../problem.js";

/** Ends of the pieces of a sequence, the last being its length. */
export type Ends = readonly number[];

/** Cost of the piece of a sequence from `begin` up to, not including, `end`. */
export type PieceCost = (begin: number, end: number) => number;

/**
 * The cut of a sequence into exactly `pieces` non-empty pieces with the smallest largest cost.
 * Requires: 1 ≤ pieces ≤ size; costs that do not shrink as a piece grows. O(size · pieces · log size).
 */
export function cutSequence(size: number, pieces: number, cost: PieceCost): Ends {
  let best = Float64Array.from({ length: size + 1 }, (_, end) => (end === 0 ? 0 : cost(0, end)));
  const from: Int32Array[] = [];
  for (let piece = 1; piece < pieces; piece++) {
    const next = new Float64Array(size + 1).fill(Infinity);
    const back = new Int32Array(size + 1);
    for (let end = piece + 1; end <= size; end++) {
      let low = piece;
      let high = end - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (best[middle]! >= cost(middle, end)) high = middle;
        else low = middle + 1;
      }
      for (const begin of [low, low - 1]) {
        if (begin < piece) continue;
        const value = Math.max(best[begin]!, cost(begin, end));
        if (value >= next[end]!) continue;
        next[end] = value;
        back[end] = begin;
      }
    }
    best = next;
    from.push(back);
  }
  return endsFrom(from, size);
}

/** Ends of the pieces, read back: `from`, for each piece after the first, says where it begins by where it ends. */
export function endsFrom(from: readonly Int32Array[], size: number): Ends {
  const ends = [size];
  for (const back of from.toReversed()) ends.unshift(back[ends[0]!]!);
  return ends;
}

/** Entry i: what the first i nodes of the order add up to. */
export function sums(order: Int32Array, values: ArrayLike<number>): Float64Array {
  const out = new Float64Array(order.length + 1);
  order.forEach((v, at) => (out[at + 1] = out[at]! + values[v]!));
  return out;
}

/** The nodes in the order of the model. */
export function modelOrder(problem: PartitionProblem): { instance: Instance; order: Int32Array } {
  const instance = instanceOf(problem);
  return { instance, order: candidateOrders(instance, closureOf(instance))[0]! };
}

/** Stages that can hold a block. */
export function pieces({ graph, stages }: PartitionProblem): number {
  return Math.min(stages.length, graph.blocks.length);
}
