/** @file Partitions from ideals that look like good boundaries: the best chain through a pool, and nested versions of one. */
import { hasBit, isSubset } from "./bits.js";
import type { Ideal } from "./ideal-space.js";
import type { Instance } from "./instance.js";
import type { Candidate } from "./slicing.js";

/** Drops repeated ideals and sorts by work. */
export function distinctIdeals(ideals: Iterable<Ideal>): Ideal[] {
  const kept = new Map<string, Ideal>();
  for (const ideal of ideals) {
    const key = ideal.bits.join();
    if (!kept.has(key)) kept.set(key, ideal);
  }
  return [...kept.values()].sort((a, b) => a.work - b.work || a.cut - b.cut);
}

/**
 * The best relay partition below `limitMs` whose boundaries are ideals of the pool, by a dynamic programme over
 * (ideal, stages used). Costs are those of the fastest link; the caller evaluates the result.
 * O(pool² · words) for containment, less what the limit prunes, and O(contained pairs · stages).
 * Requires: the pool sorted by work.
 */
export function bestChain(instance: Instance, pool: readonly Ideal[], limitMs: number): Candidate | undefined {
  const { size, stages, totalWork } = instance;
  const k = stages.count;
  const full = pool.length + 1;
  const row = k + 1;
  const work = (i: number): number => (i === 0 ? 0 : i === full ? totalWork : pool[i - 1]!.work);
  const cut = (i: number): number => (i === 0 || i === full ? 0 : pool[i - 1]!.cut);
  const best = new Float64Array((full + 1) * row).fill(Infinity);
  const from = new Int32Array((full + 1) * row).fill(-1);
  best[0] = 0;
  const fastest = stages.speed.reduce((a, b) => Math.max(a, b), 0);
  const speedAfter = new Float64Array(k + 1);
  for (let s = k - 1; s >= 0; s--) speedAfter[s] = speedAfter[s + 1]! + stages.speed[s]!;
  let limit = limitMs;

  for (let i = 0; i < full; i++) {
    const bits = i === 0 ? undefined : pool[i - 1]!.bits;
    const active: number[] = [];
    for (let s = 0; s < k; s++)
      if (best[i * row + s]! < limit && totalWork - work(i) <= speedAfter[s]! * limit) active.push(s);
    if (active.length === 0) continue;
    for (let j = i + 1; j <= full; j++) {
      const added = work(j) - work(i);
      if (added / fastest + cut(i) >= limit) {
        if (j < full) j = full - 1;
        continue;
      }
      const both = cut(i) + cut(j);
      if (added / fastest + both >= limit) continue;
      let known = bits === undefined || j === full;
      for (const s of active) {
        const value = Math.max(best[i * row + s]!, added / stages.speed[s]! + both);
        if (value >= limit || value >= best[j * row + s + 1]!) continue;
        if (!known && !isSubset(bits!, pool[j - 1]!.bits)) break;
        known = true;
        best[j * row + s + 1] = value;
        from[j * row + s + 1] = i;
      }
    }
  }
  let used = 0;
  for (let s = stages.mayBeEmpty ? 1 : k; s <= k; s++)
    if (best[full * row + s]! < limit) {
      limit = best[full * row + s]!;
      used = s;
    }
  if (used === 0) return undefined;
  const stageOf = new Int32Array(size);
  let at = full;
  for (let s = used; s > 0; s--) {
    const smaller = from[at * row + s]!;
    for (let v = 0; v < size; v++) {
      const now = at === full || hasBit(pool[at - 1]!.bits, v);
      const before = smaller > 0 && hasBit(pool[smaller - 1]!.bits, v);
      if (now && !before) stageOf[v] = s - 1;
    }
    at = smaller;
  }
  return { stageOf, bottleneckMs: limit };
}

/**
 * The two partitions that a sequence of ideals suggests when they are not nested: a node goes to the first stage whose
 * ideal holds it, or behind the last stage whose ideal does not. O(size · ideals + pins).
 */
export function nestedChains(instance: Instance, ideals: readonly Ideal[]): Candidate[] {
  const early = new Int32Array(instance.size).fill(ideals.length);
  const late = new Int32Array(instance.size).fill(ideals.length);
  for (let v = 0; v < instance.size; v++) {
    for (let s = ideals.length - 1; s >= 0; s--) if (hasBit(ideals[s]!.bits, v)) early[v] = s;
    while (late[v]! > 0 && hasBit(ideals[late[v]! - 1]!.bits, v)) late[v]!--;
  }
  return [early, late].map((stageOf) => ({ stageOf, bottleneckMs: relayBottleneck(instance, stageOf) }));
}

/** The largest load at the costs of the fastest link. O(size + pins + cut nets · stages). */
export function relayBottleneck({ nets, stages, work }: Instance, stageOf: Int32Array): number {
  const load = new Float64Array(stages.count);
  stageOf.forEach((s, v) => (load[s]! += work[v]! / stages.speed[s]!));
  for (let e = 0; e < nets.count; e++) {
    let low = stages.count;
    let high = 0;
    for (let i = nets.pins.start[e]!; i < nets.pins.start[e + 1]!; i++) {
      const s = stageOf[nets.pins.entries[i]!]!;
      low = Math.min(low, s);
      high = Math.max(high, s);
    }
    for (let b = low; b < high; b++) {
      load[b]! += nets.cost[e]!;
      load[b + 1]! += nets.cost[e]!;
    }
  }
  return load.reduce((a, b) => Math.max(a, b), 0);
}
