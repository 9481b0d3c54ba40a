/** @file The ideals shared out by a sequence of nodes: those without its first node, those with that but not its second, … */
import { setBit } from "./bits.js";
import type { Instance } from "./instance.js";
import type { Rows } from "./rows.js";

/** All ideals that hold `inside` and none of `outside`. */
export interface PivotRegion {
  readonly inside: Uint32Array;
  readonly outside: Uint32Array;
  readonly insideWork: number;
  /** Cost of the nets that every such ideal cuts and that have no pin it may choose. */
  readonly fixedCut: number;
}

/**
 * Region i holds pivots 0..i−1 and not pivot i; a pivot that an earlier one brings along has none. `before`: edges that
 * imply the order.
 *
 * What a pivot keeps out are its descendants: one bit per pivot is passed down the graph, all pivots at once.
 * O(edges · pivots / 32 + nodes · pivots + pins · regions that a net spans).
 */
export function pivotRegions(instance: Instance, before: Rows, pivots: ArrayLike<number>): PivotRegion[] {
  const { size, work } = instance;
  const count = pivots.length;
  const enters = entries(size, before, pivots);
  const stride = (count + 31) >>> 5;
  const above = new Uint32Array(size * stride);
  for (let i = 0; i < count; i++) above[pivots[i]! * stride + (i >>> 5)]! |= 1 << (i & 31);
  for (let v = 0; v < size; v++)
    for (let q = before.start[v]!; q < before.start[v + 1]!; q++) {
      const u = before.entries[q]!;
      for (let w = 0; w < stride; w++) above[v * stride + w]! |= above[u * stride + w]!;
    }
  const isOut = (v: number, i: number): boolean =>
    i < count && ((above[v * stride + (i >>> 5)]! >>> (i & 31)) & 1) === 1;
  const cuts = fixedCuts(instance, enters, count, isOut);

  const regions: PivotRegion[] = [];
  const words = Math.max(1, (size + 31) >>> 5);
  for (let i = 0; i <= count; i++) {
    if (i < count && enters[pivots[i]!]! <= i) continue;
    const inside = new Uint32Array(words);
    const outside = new Uint32Array(words);
    let insideWork = 0;
    for (let v = 0; v < size; v++)
      if (enters[v]! <= i) {
        setBit(inside, v);
        insideWork += work[v]!;
      } else if (isOut(v, i)) setBit(outside, v);
    regions.push({ inside, outside, insideWork, fixedCut: cuts[i]! });
  }
  return regions;
}

/** The first region that holds each node: one after the first pivot that needs it, or one after the last region. */
function entries(size: number, before: Rows, pivots: ArrayLike<number>): Int32Array {
  const enters = new Int32Array(size).fill(pivots.length + 1);
  for (let i = 0; i < pivots.length; i++) {
    const open = [pivots[i]!];
    while (open.length > 0) {
      const v = open.pop()!;
      if (enters[v]! <= pivots.length) continue;
      enters[v] = i + 1;
      for (let q = before.start[v]!; q < before.start[v + 1]!; q++) open.push(before.entries[q]!);
    }
  }
  return enters;
}

/** By region: cost of the nets with pins on both sides and none free. A net is whole from where its last pin enters. */
function fixedCuts(
  { nets }: Instance,
  enters: Int32Array,
  count: number,
  isOut: (v: number, i: number) => boolean,
): Float64Array {
  const cuts = new Float64Array(count + 1);
  for (let e = 0; e < nets.count; e++) {
    if (nets.cost[e] === 0) continue;
    const pins = nets.pins.entries.subarray(nets.pins.start[e]!, nets.pins.start[e + 1]!);
    let first = count + 1;
    let last = 0;
    for (const v of pins) {
      first = Math.min(first, enters[v]!);
      last = Math.max(last, enters[v]!);
    }
    for (let i = first; i < last && i <= count; i++)
      if (pins.every((v) => enters[v]! <= i || isOut(v, i))) cuts[i]! += nets.cost[e]!;
  }
  return cuts;
}
