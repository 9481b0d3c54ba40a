/** @file Work above and below each node, which bounds the stages it can take; and the reduced set of edges. */
import type { Instance } from "./instance.js";
import type { Rows } from "./rows.js";
import { rowsOf } from "./rows.js";

/** Sums over all ancestors (descendants) of a node and the node itself. */
export interface Closure {
  readonly above: Float64Array;
  readonly below: Float64Array;
}

/** Words of 32 nodes that are handled at once; bounds memory to 32 · size words. */
const WORDS = 32;

/**
 * Sum of `weight` over everything that reaches a node, itself included. Bit sets in column strips; a table of sums
 * per byte replaces the walk over bits. O(size · (size + edges) / 32) time, O(size) memory.
 */
function reachSums(instance: Instance, weight: Float64Array, incoming: Rows, backward: boolean): Float64Array {
  const { size } = instance;
  const sums = new Float64Array(size);
  const bits = new Uint32Array(size * WORDS);
  const table = new Float64Array(WORDS * 4 * 256);
  for (let strip = 0; strip < size; strip += 32 * WORDS) {
    bits.fill(0);
    for (let byte = 0; byte < WORDS * 4; byte++)
      for (let mask = 1; mask < 256; mask++) {
        const top = 31 - Math.clz32(mask);
        table[byte * 256 + mask] = table[byte * 256 + (mask & ~(1 << top))]! + (weight[strip + byte * 8 + top] ?? 0);
      }
    const from = backward ? Math.min(size, strip + 32 * WORDS) - 1 : strip;
    const step = backward ? -1 : 1;
    for (let v = from; v >= 0 && v < size; v += step) {
      const at = v * WORDS;
      if (v >= strip && v < strip + 32 * WORDS) bits[at + ((v - strip) >> 5)]! |= 1 << ((v - strip) & 31);
      for (let i = incoming.start[v]!; i < incoming.start[v + 1]!; i++) {
        const p = incoming.entries[i]! * WORDS;
        for (let w = 0; w < WORDS; w++) bits[at + w]! |= bits[p + w]!;
      }
      let sum = 0;
      for (let w = 0; w < WORDS; w++) {
        const word = bits[at + w]!;
        if (word === 0) continue;
        const base = w * 1024;
        sum +=
          table[base + (word & 255)]! +
          table[base + 256 + ((word >>> 8) & 255)]! +
          table[base + 512 + ((word >>> 16) & 255)]! +
          table[base + 768 + (word >>> 24)]!;
      }
      sums[v]! += sum;
    }
  }
  return sums;
}

/** Work above and below each node. */
export function closureOf(instance: Instance): Closure {
  return {
    above: reachSums(instance, instance.work, instance.before, false),
    below: reachSums(instance, instance.work, instance.after, true),
  };
}

/**
 * The edges that no longer path implies. Aho, Garey & Ullman 1972, on bit sets: O(edges · size / 32) time and
 * O(size² / 32) memory.
 * Requires: size ≤ 20,000 or so; callers with larger graphs keep all edges.
 */
export function reducedEdges(instance: Instance): Rows {
  const { size, before } = instance;
  const words = (size + 31) >>> 5;
  const above = new Uint32Array(size * words);
  const from: number[] = [];
  const to: number[] = [];
  for (let v = 0; v < size; v++) {
    const at = v * words;
    const parents = Array.from(before.entries.subarray(before.start[v]!, before.start[v + 1]!)).sort((a, b) => b - a);
    for (const u of parents) {
      if ((above[at + (u >>> 5)]! >>> (u & 31)) & 1) continue;
      from.push(u);
      to.push(v);
      for (let w = 0; w < words; w++) above[at + w]! |= above[u * words + w]!;
      above[at + (u >>> 5)]! |= 1 << (u & 31);
    }
  }
  return rowsOf(size, from, to);
}
