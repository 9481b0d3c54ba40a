/**
 * @file The set of all ideals, cut into regions that are refined where it matters. Each region knows how little its
 * ideals can cut for the work they hold; the ideals that attain this are good boundaries between stages.
 */
import { bitsOf, hasBit, setBit } from "./bits.js";
import { reducedEdges } from "./closure.js";
import { CutNetwork } from "./cut-network.js";
import type { Instance } from "./instance.js";
import { pivotRegions } from "./pivot-regions.js";
import type { Rows } from "./rows.js";
import { transposed } from "./rows.js";

/** An ideal as a bit set, the work in it and the cost of the nets that it cuts. */
export interface Ideal {
  readonly bits: Uint32Array;
  readonly work: number;
  readonly cut: number;
}

/** cut ≥ base − slope · work for every ideal of a region; slopes in cost per work. */
export interface Support {
  readonly slope: number;
  readonly base: number;
}

/** All ideals that hold `inside` and none of `outside`, with what is known of all of them. */
export interface Region {
  readonly inside: Uint32Array;
  readonly outside: Uint32Array;
  /** Words from here on are empty in `inside`. */
  readonly insideEnd: number;
  /** Words before this are empty in `outside`. */
  readonly outsideBegin: number;
  readonly insideWork: number;
  /** Cost of the cut nets without free nodes. */
  readonly fixedCut: number;
  /** Always with slope 1 / speed and −1 / speed for every speed; more are found where they matter. */
  readonly supports: Support[];
  /** Ideals that attain supports, by growing work. */
  readonly corners: Ideal[];
}

/** Whether some ideal of `small` may lie within one of `large`: nothing that all of `small` hold is barred from `large`. */
export function mayPrecede(small: Region, large: Region): boolean {
  for (let w = large.outsideBegin; w < small.insideEnd; w++)
    if ((small.inside[w]! & large.outside[w]!) !== 0) return false;
  return true;
}

/** Nodes tried when a region is split. */
const BRANCH_TRIES = 32;

/** Makes, tightens and splits regions of one instance. */
export class IdealSpace {
  readonly instance: Instance;
  private readonly words: number;
  private readonly slopes: readonly number[];
  private readonly after: Rows;
  private readonly before: Rows;
  private readonly network: CutNetwork;
  private readonly stamp: Int32Array;
  private stamps = 0;

  constructor(instance: Instance) {
    this.instance = instance;
    this.words = Math.max(1, (instance.size + 31) >>> 5);
    const speeds = [...new Set(instance.stages.speed)];
    this.slopes = [...speeds.flatMap((speed) => [1 / speed, -1 / speed]), 0];
    this.after = instance.size <= 5000 ? reducedEdges(instance) : instance.after;
    this.before = transposed(this.after, instance.size);
    this.network = new CutNetwork(instance, this.before);
    this.stamp = new Int32Array(instance.nets.count).fill(-1);
  }

  /** Regions that share out all ideals, tight when the pivots lie along a good order. A few flows each. */
  byPivots(pivots: ArrayLike<number>): Region[] {
    return pivotRegions(this.instance, this.before, pivots).map((sets) =>
      this.region(sets.inside, sets.outside, sets.insideWork, sets.fixedCut),
    );
  }

  /**
   * Adds supports until none can lower what the region lets through at `reach` (work / speed + cut ≤ reach); returns
   * the two corners of the hull on either side of the reach, or one corner when it attains the bound itself.
   * Discrete Newton steps along the hull: one flow each.
   */
  tighten(region: Region, speed: number, reach: number): readonly [Ideal, Ideal | undefined] {
    const { corners } = region;
    for (;;) {
      let at = 0;
      while (at + 1 < corners.length && corners[at + 1]!.work / speed + corners[at + 1]!.cut <= reach) at++;
      const left = corners[at]!;
      const right = corners[at + 1];
      if (!right || right.work - left.work < 1e-12 * this.instance.totalWork) return [left, undefined];
      const slope = (left.cut - right.cut) / (right.work - left.work);
      if (region.supports.some((s) => s.slope === slope)) return [left, right];
      const value = left.cut + slope * left.work;
      if (this.solve(region, [slope])[0]!.base > value - 1e-9 * (1 + Math.abs(value))) return [left, right];
    }
  }

  /** The node between two ideals at which a split separates them best; −1 when `high` holds nothing more. */
  between(low: Ideal, high: Ideal): number {
    return this.branchNode(low, high);
  }

  /** The two halves of a region: the ideals with node `v` and those without. Requires: `v` is free in the region. */
  split(region: Region, v: number): readonly [Region, Region] {
    const inside = region.inside.slice();
    const joined = this.close(v, this.before, inside);
    const outside = region.outside.slice();
    const barred = this.close(v, this.after, outside);
    const { work } = this.instance;
    const insideWork = joined.reduce((sum, u) => sum + work[u]!, region.insideWork);
    const withNode = region.fixedCut + this.newlyFixed(joined, inside, region.outside);
    const without = region.fixedCut + this.newlyFixed(barred, region.inside, outside);
    return [
      this.region(inside, region.outside, insideWork, withNode),
      this.region(region.inside, outside, region.insideWork, without),
    ];
  }

  /** Adds `v` and all that `rows` leads to, to the set; returns what was new. */
  private close(v: number, rows: Rows, set: Uint32Array): number[] {
    const added = [v];
    setBit(set, v);
    for (let at = 0; at < added.length; at++) {
      const x = added[at]!;
      for (let q = rows.start[x]!; q < rows.start[x + 1]!; q++) {
        const u = rows.entries[q]!;
        if (hasBit(set, u)) continue;
        setBit(set, u);
        added.push(u);
      }
    }
    return added;
  }

  /** The net's cost if no pin is free and it is cut, else 0. */
  private fixedCost(e: number, inside: Uint32Array, outside: Uint32Array): number {
    const { pins, cost } = this.instance.nets;
    let isIn = false;
    let isOut = false;
    for (let i = pins.start[e]!; i < pins.start[e + 1]!; i++) {
      const v = pins.entries[i]!;
      if (hasBit(inside, v)) isIn = true;
      else if (hasBit(outside, v)) isOut = true;
      else return 0;
    }
    return isIn && isOut ? cost[e]! : 0;
  }

  private newlyFixed(nodes: readonly number[], inside: Uint32Array, outside: Uint32Array): number {
    const { of } = this.instance.nets;
    this.stamps++;
    let sum = 0;
    for (const v of nodes)
      for (let q = of.start[v]!; q < of.start[v + 1]!; q++) {
        const e = of.entries[q]!;
        if (this.stamp[e] === this.stamps) continue;
        this.stamp[e] = this.stamps;
        sum += this.fixedCost(e, inside, outside);
      }
    return sum;
  }

  /** The node between low and high whose closure splits the work between them most evenly, among a sample. */
  private branchNode(low: Ideal, high: Ideal): number {
    const between: number[] = [];
    for (let w = 0; w < this.words; w++) bitsOf(high.bits[w]! & ~low.bits[w]!, w, between);
    if (between.length === 0) return -1;
    const { work } = this.instance;
    const member = new Set(between);
    const reach = (v: number, rows: Rows): number => {
      const seen = new Set([v]);
      let sum = 0;
      for (const x of seen) {
        sum += work[x]!;
        for (let q = rows.start[x]!; q < rows.start[x + 1]!; q++)
          if (member.has(rows.entries[q]!)) seen.add(rows.entries[q]!);
      }
      return sum;
    };
    let best = -1;
    let bestScore = -1;
    const step = Math.max(1, Math.floor(between.length / BRANCH_TRIES));
    for (let at = Math.floor(step / 2); at < between.length; at += step) {
      const v = between[at]!;
      const score = Math.min(reach(v, this.before), reach(v, this.after));
      if (score > bestScore) {
        bestScore = score;
        best = v;
      }
    }
    return best;
  }

  private region(inside: Uint32Array, outside: Uint32Array, insideWork: number, fixedCut: number): Region {
    let insideEnd = this.words;
    while (insideEnd > 0 && inside[insideEnd - 1] === 0) insideEnd--;
    let outsideBegin = 0;
    while (outsideBegin < this.words && outside[outsideBegin] === 0) outsideBegin++;
    const sets = { inside, outside, insideEnd, outsideBegin };
    const region: Region = { ...sets, insideWork, fixedCut, supports: [], corners: [] };
    this.solve(region, this.slopes);
    return region;
  }

  /** Minimises cut + slope · work over the region, a flow for each slope; keeps supports and corners. */
  private solve(region: Region, slopes: readonly number[]): Support[] {
    const { work } = this.instance;
    const { network } = this;
    const free = network.build(region.inside, region.outside);
    const constant = region.fixedCut + network.constant;
    return slopes.map((slope) => {
      let base = constant + slope * region.insideWork;
      if (slope < 0) for (const v of free) base += slope * work[v]!;
      base += network.minimize(slope);
      const bits = region.inside.slice();
      let sum = region.insideWork;
      free.forEach((v, i) => {
        if (!network.isIn(i)) return;
        setBit(bits, v);
        sum += work[v]!;
      });
      const at = region.corners.findIndex((other) => other.work > sum);
      region.corners.splice(at < 0 ? region.corners.length : at, 0, { bits, work: sum, cut: base - slope * sum });
      const support: Support = { slope, base };
      region.supports.push(support);
      return support;
    });
  }
}
