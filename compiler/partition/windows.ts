/** @file First and last stage that a node can take in any partition better than a given one. */
import type { Closure } from "./closure.js";
import type { Instance } from "./instance.js";

/** Inclusive. */
export interface Windows {
  readonly first: Int32Array;
  readonly last: Int32Array;
}

/**
 * A node that is on stage s has all its ancestors' work on stages 0..s, which hold at most bottleneck · (the speeds of
 * their devices); likewise below. Sound for both communication models. O(size · log stages).
 */
export function stageWindows(instance: Instance, closure: Closure, bottleneckMs: number): Windows {
  const { count, speed, device } = instance.stages;
  const limit = bottleneckMs * (1 + 1e-9);
  const upTo = new Float64Array(count + 1);
  const from = new Float64Array(count + 1);
  const seen = new Set<number>();
  for (let s = 0; s < count; s++) {
    upTo[s + 1] = upTo[s]! + (seen.has(device[s]!) ? 0 : speed[s]! * limit);
    seen.add(device[s]!);
  }
  seen.clear();
  for (let s = count - 1; s >= 0; s--) {
    from[s] = from[s + 1]! + (seen.has(device[s]!) ? 0 : speed[s]! * limit);
    seen.add(device[s]!);
  }
  const first = instance.first.slice();
  const last = instance.last.slice();
  for (let v = 0; v < instance.size; v++) {
    let s = 0;
    while (s < count - 1 && upTo[s + 1]! < closure.above[v]!) s++;
    first[v] = Math.max(first[v]!, s);
    s = count - 1;
    while (s > 0 && from[s]! < closure.below[v]!) s--;
    last[v] = Math.min(last[v]!, s);
  }
  return { first, last };
}
