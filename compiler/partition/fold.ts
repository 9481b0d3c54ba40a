/** @file Nodes without work or memory that can join a neighbour without losing the optimum. */
import type { DisjointSets } from "./contract.js";
import type { Rows } from "./rows.js";

/** Nets over nodes, both directions apart: a fold must not make any of the numbers worse. */
export interface FoldNets {
  readonly pins: Rows;
  readonly of: Rows;
  readonly ordered: Uint8Array;
  readonly forwardBytes: Float64Array;
  readonly gradBytes: Float64Array;
}

/**
 * Joins a free node v with a neighbour u when (1) u is v's only predecessor or only successor and (2) the nets of just
 * u and v carry at least as much, in messages and bytes of each direction, as all other nets of v together.
 *
 * Then moving v onto u's stage makes no stage slower and no memory larger, in either communication model: every
 * boundary and stage that now pays the other nets paid those of u and v before. So an optimum with v beside u exists.
 *
 * Requires: pins of ordered nets start with the producer. Stops when `groups` sets are left. O(pins of free nodes).
 * @returns the number of sets that are left.
 */
export function foldFreeNodes(
  free: Uint8Array,
  nets: FoldNets,
  sets: DisjointSets,
  groups: number,
  atLeast: number,
): number {
  let left = groups;
  const messages = (bytes: number): number => (bytes > 0 ? 1 : 0);
  for (let v = 0; v < free.length && left > atLeast; v++) {
    if (free[v] === 0) continue;
    let before = -1;
    let after = -1;
    for (let q = nets.of.start[v]!; q < nets.of.start[v + 1]!; q++) {
      const e = nets.of.entries[q]!;
      if (nets.ordered[e] === 0) continue;
      const producer = nets.pins.entries[nets.pins.start[e]!]!;
      if (producer !== v) before = before === -1 || before === producer ? producer : -2;
      else
        for (let i = nets.pins.start[e]! + 1; i < nets.pins.start[e + 1]!; i++) {
          const reader = nets.pins.entries[i]!;
          after = after === -1 || after === reader ? reader : -2;
        }
    }
    for (const u of [before, after]) {
      if (u < 0) continue;
      let surplusForward = 0;
      let surplusGrad = 0;
      let surplusForwardMessages = 0;
      let surplusGradMessages = 0;
      for (let q = nets.of.start[v]!; q < nets.of.start[v + 1]!; q++) {
        const e = nets.of.entries[q]!;
        const begin = nets.pins.start[e]!;
        const mutual =
          nets.pins.start[e + 1]! - begin === 2 &&
          (nets.pins.entries[begin] === u || nets.pins.entries[begin + 1] === u);
        const sign = mutual ? 1 : -1;
        surplusForward += sign * nets.forwardBytes[e]!;
        surplusGrad += sign * nets.gradBytes[e]!;
        surplusForwardMessages += sign * messages(nets.forwardBytes[e]!);
        surplusGradMessages += sign * messages(nets.gradBytes[e]!);
      }
      if (Math.min(surplusForward, surplusGrad, surplusForwardMessages, surplusGradMessages) < 0) continue;
      if (sets.union(u, v)) left--;
      break;
    }
  }
  return left;
}
