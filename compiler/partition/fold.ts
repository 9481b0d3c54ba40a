/** @file Nodes without work or memory join a neighbour where that cannot lose the optimum. */
import { contract, DisjointSets } from "./contract.js";
import type { Contraction } from "./contract.js";
import type { Instance } from "./instance.js";

/**
 * Joins a free node v with a neighbour u when u is v's only predecessor or only successor and the nets of just u and
 * v carry at least as many messages, bytes and forward bytes as all other nets of v together.
 *
 * Moving v onto u's stage then makes no stage slower and no memory larger, in either communication model: every stage
 * and boundary that now pays the other nets of v paid those of u and v before. So an optimum with v beside u exists.
 * A stage could only become empty if it held no work, which no partition below `limitMs` has when the other stages
 * cannot take all work by then; otherwise, and where a device holds several stages, nothing is folded.
 * O(rounds · pins); chains fold in one round.
 */
export function foldFree(instance: Instance, limitMs: number): Contraction {
  let current = instance;
  let nodeOf = Int32Array.from({ length: instance.size }, (_, v) => v);
  const { stages, totalWork } = instance;
  const speeds = stages.speed.reduce((a, b) => a + b, 0);
  const slowest = stages.speed.reduce((a, b) => Math.min(a, b), Infinity);
  if (stages.shared) return { instance, nodeOf };
  if (!stages.mayBeEmpty && !((speeds - slowest) * limitMs < totalWork)) return { instance, nodeOf };
  for (;;) {
    const sets = new DisjointSets(current.size);
    let found = false;
    for (let v = 0; v < current.size; v++) {
      if (current.work[v]! > 0 || current.residentBytes[v]! > 0 || current.stashBytes[v]! > 0) continue;
      const u = [onlyNeighbour(current.before, v), onlyNeighbour(current.after, v)].find(
        (w) => w !== undefined && outweighs(current, v, w) && widerWindow(current, v, w),
      );
      if (u !== undefined && sets.union(u, v)) found = true;
    }
    if (!found) return { instance: current, nodeOf };
    const next = contract(current, sets);
    nodeOf = nodeOf.map((v) => next.nodeOf[v]!);
    current = next.instance;
  }
}

function onlyNeighbour({ start, entries }: Instance["after"], v: number): number | undefined {
  return start[v + 1]! - start[v]! === 1 ? entries[start[v]!] : undefined;
}

function widerWindow({ first, last }: Instance, v: number, u: number): boolean {
  return first[v]! <= first[u]! && last[v]! >= last[u]!;
}

/** Whether the nets of just u and v carry as much as v's other nets. */
function outweighs({ nets }: Instance, v: number, u: number): boolean {
  let messages = 0;
  let bytes = 0;
  let forwardBytes = 0;
  for (let q = nets.of.start[v]!; q < nets.of.start[v + 1]!; q++) {
    const e = nets.of.entries[q]!;
    const begin = nets.pins.start[e]!;
    const pair = nets.pins.start[e + 1]! - begin === 2;
    const sign = pair && (nets.pins.entries[begin] === u || nets.pins.entries[begin + 1] === u) ? 1 : -1;
    messages += sign * nets.messages[e]!;
    bytes += sign * nets.bytes[e]!;
    forwardBytes += sign * nets.forwardBytes[e]!;
  }
  return messages >= 0 && bytes >= 0 && forwardBytes >= 0;
}
