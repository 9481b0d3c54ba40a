/** @file Lower bounds that hold in both communication models and cost next to nothing. */
import type { Instance } from "./instance.js";

/**
 * The larger of: all work spread evenly over the speeds; each node alone on the fastest stage it may take.
 * O(nodes · stages).
 */
export function workBound({ work, totalWork, stages, first, last }: Instance): number {
  let bound = totalWork / stages.speed.reduce((a, b) => a + b, 0);
  for (let v = 0; v < work.length; v++) {
    let fastest = 0;
    for (let s = first[v]!; s <= last[v]!; s++) fastest = Math.max(fastest, stages.speed[s]!);
    bound = Math.max(bound, work[v]! / fastest);
  }
  return bound;
}
