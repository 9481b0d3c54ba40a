/** @file Coarsening: neighbours grow together into a graph that is small enough to be searched whole. A start, never an end. */
import { contract, DisjointSets } from "./contract.js";
import type { Contraction } from "./contract.js";
import type { Instance } from "./instance.js";

/** Rounds of matching at most; each roughly halves what can still be joined. */
const MOST_ROUNDS = 40;
/** Nodes lighter than this share of the limit count as this heavy when pairs are rated. */
const LIGHT = 0.01;

/**
 * Joins u → v where v is u's only successor or u is v's only predecessor, which closes no cycle, dear and light pairs
 * first, until no pair stays within `heaviest` milliseconds of work. An assignment of the result expands to one of
 * `instance` with the same loads; the best one is missed by what the joined pairs cost, so search goes on from it.
 * Heavy-edge matching: Karypis & Kumar 1998; acyclic: Herrmann et al. 2019. O(rounds · (pins + edges log edges)).
 */
export function coarsen(instance: Instance, heaviest: number): Contraction {
  let current = instance;
  let nodeOf = Int32Array.from({ length: instance.size }, (_, v) => v);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const sets = new DisjointSets(current.size);
    const joined = new Uint8Array(current.size);
    let found = false;
    for (const { u, v } of ratedPairs(current, heaviest)) {
      if (joined[u] === 1 || joined[v] === 1) continue;
      joined[u] = joined[v] = 1;
      found = sets.union(u, v) || found;
    }
    if (!found) break;
    const next = contract(current, sets);
    nodeOf = nodeOf.map((v) => next.nodeOf[v]!);
    current = next.instance;
  }
  return { instance: current, nodeOf };
}

/** The pairs that may be joined, best first. */
function ratedPairs(instance: Instance, heaviest: number): { u: number; v: number; rate: number }[] {
  const { size, work, nets, after, before, first, last } = instance;
  const pairs: { u: number; v: number; rate: number }[] = [];
  for (let u = 0; u < size; u++) {
    const only = after.start[u + 1]! - after.start[u]! === 1;
    for (let q = after.start[u]!; q < after.start[u + 1]!; q++) {
      const v = after.entries[q]!;
      const sum = work[u]! + work[v]!;
      if (sum > heaviest || Math.max(first[u]!, first[v]!) > Math.min(last[u]!, last[v]!)) continue;
      if (!only && before.start[v + 1]! - before.start[v]! > 1) continue;
      pairs.push({ u, v, rate: sharedCost(nets, u, v) / Math.max(sum, LIGHT * heaviest) });
    }
  }
  return pairs.sort((a, b) => b.rate - a.rate || a.u - b.u || a.v - b.v);
}

/** Cost of the nets with both nodes, each shared out among its pins. */
function sharedCost({ of, pins, cost }: Instance["nets"], u: number, v: number): number {
  let sum = 0;
  for (let q = of.start[u]!; q < of.start[u + 1]!; q++) {
    const e = of.entries[q]!;
    const members = pins.entries.subarray(pins.start[e]!, pins.start[e + 1]!);
    if (members.includes(v)) sum += cost[e]! / (members.length - 1);
  }
  return sum;
}
