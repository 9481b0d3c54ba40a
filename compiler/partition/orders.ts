/** @file Topological orders worth slicing: each puts the nodes in another sensible sequence. */
import type { Closure } from "./closure.js";
import { topologicalOrder } from "./components.js";
import type { Instance } from "./instance.js";

/** Depth first: finishes a branch before it starts the next, which keeps few tensors alive. O(nodes + edges). */
function depthFirst({ size, after, before }: Instance): Float64Array {
  const waiting = Int32Array.from({ length: size }, (_, v) => before.start[v + 1]! - before.start[v]!);
  const ready: number[] = [];
  for (let v = size - 1; v >= 0; v--) if (waiting[v] === 0) ready.push(v);
  const place = new Float64Array(size);
  for (let at = 0; ready.length > 0; at++) {
    const v = ready.pop()!;
    place[v] = at;
    for (let i = after.start[v + 1]! - 1; i >= after.start[v]!; i--) {
      const u = after.entries[i]!;
      if (--waiting[u]! === 0) ready.push(u);
    }
  }
  return place;
}

/**
 * Orders by: number (the order of the model), depth first, work above, work below, and their difference. Nodes with a
 * later first stage come later, so that pins can be met by prefixes.
 */
export function candidateOrders(instance: Instance, closure: Closure): Int32Array[] {
  const { size, first, last, stages } = instance;
  const free = first.every((s) => s === 0) && last.every((s) => s === stages.count - 1);
  const keys: Float64Array[] = [
    Float64Array.from({ length: size }, (_, v) => v),
    depthFirst(instance),
    closure.above,
    closure.below.map((x) => -x),
    closure.above.map((x, v) => x - closure.below[v]!),
  ];
  return keys.map((key) => {
    if (free) return topologicalOrder(size, instance.after, key);
    const sorted = Array.from(key.keys()).sort((a, b) => key[a]! - key[b]! || a - b);
    const place = new Float64Array(size);
    sorted.forEach((v, at) => (place[v] = at));
    const pinned = place.map((at, v) => (first[v]! * (stages.count + 1) + last[v]!) * size + at);
    return topologicalOrder(size, instance.after, pinned);
  });
}
