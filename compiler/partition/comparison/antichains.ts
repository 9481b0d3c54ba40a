/** @file The states of PipeDream's optimizer: antichains, each of which stands for its nodes and all before them. */
import { hasBit, setBit } from "../bits.js";
import type { Instance } from "../instance.js";

/**
 * The sets of nodes that the antichains stand for, as bit sets, or undefined when there are more than `limit`: all that
 * grow from the first source by a successor of a member, which brings along all that comes before it. `inputs`, sources
 * that are no layers, are in all of them, and sinks without work go with their only predecessor. Graphs with one source
 * give all their ideals but the empty one. The last is the set of all nodes only if nothing stands apart.
 *
 * Source: antichain_dag in graph/graph.py of msr-fiddle/pipedream. O(states · (edges + frontier · nodes / 32)).
 */
export function antichainSets(
  instance: Instance,
  inputs: ReadonlySet<number>,
  limit: number,
): readonly Uint32Array[] | undefined {
  const { size, after } = instance;
  const layers = Array.from({ length: size }, (_, v) => v).filter((v) => !inputs.has(v) && !isIdleSink(instance, v));
  const above = closedSets(instance);
  const first = new Uint32Array(above[0]!.length);
  for (const v of [...inputs, layers[0] ?? 0]) above[v]!.forEach((word, w) => (first[w]! |= word));
  const sets = [first];
  const known = new Set([first.join()]);
  for (let at = 0; at < sets.length; at++) {
    const set = sets[at]!;
    for (const v of frontier(layers, after, set)) {
      const larger = set.map((word, w) => word | above[v]![w]!);
      const key = larger.join();
      if (known.has(key)) continue;
      if (sets.length === limit) return undefined;
      known.add(key);
      sets.push(larger);
    }
  }
  return sets;
}

function isIdleSink({ work, before, after }: Instance, v: number): boolean {
  return work[v] === 0 && after.start[v] === after.start[v + 1] && before.start[v + 1]! - before.start[v]! === 1;
}

/** Of each node: itself, all before it, and the idle sinks of these. */
function closedSets(instance: Instance): readonly Uint32Array[] {
  const { size, before, after } = instance;
  const words = (size + 31) >>> 5;
  const above = Array.from({ length: size }, () => new Uint32Array(words));
  for (let v = 0; v < size; v++) {
    const own = above[v]!;
    setBit(own, v);
    for (const reader of after.entries.subarray(after.start[v], after.start[v + 1]))
      if (isIdleSink(instance, reader)) setBit(own, reader);
    for (const maker of before.entries.subarray(before.start[v], before.start[v + 1]))
      for (let w = 0; w < words; w++) own[w]! |= above[maker]![w]!;
  }
  return above;
}

/** Layers outside the set that read what a layer of it makes. */
function frontier(layers: readonly number[], after: Instance["after"], set: Uint32Array): ReadonlySet<number> {
  const out = new Set<number>();
  for (const v of layers) {
    if (!hasBit(set, v)) continue;
    for (const reader of after.entries.subarray(after.start[v], after.start[v + 1]))
      if (!hasBit(set, reader)) out.add(reader);
  }
  return out;
}
