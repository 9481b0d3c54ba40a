/**
 * @file Which chains of regions of ideals could be partitions below a limit: none means that the limit is a lower bound.
 * A state-space relaxation (Christofides, Mingozzi & Toth 1981, Networks 11): a region stands for all of its ideals, with
 * the best reach of any. O(stages · regions) for each limit that is tried.
 */
import { mayPrecede } from "./ideal-space.js";
import type { Ideal, Region } from "./ideal-space.js";
import type { Instance } from "./instance.js";

/** A region in which a stage can end. */
export interface ChainRegion {
  /** Place in the table. */
  readonly region: number;
  /** The stage has work(J) / speed + cut(J) ≤ reach if it ends with ideal J. */
  readonly reach: number;
  /** The next stage begins with work(J) / its speed − cut(J) ≤ start. */
  readonly start: number;
  /** The region of the stage before that gives this reach; undefined for the first stage. */
  readonly from: ChainRegion | undefined;
}

/** All that is left of the chains below a limit. */
export interface Chains {
  /** By stage: regions on chains that reach the end, best start first. */
  readonly critical: readonly (readonly ChainRegion[])[];
  /** The last region of the chain that reaches the end earliest and best. */
  readonly end: ChainRegion | undefined;
}

/**
 * Chains of regions. A stage from ideal I to ideal J loads work(J) / speed + cut(J) − (work(I) / speed − cut(I)): its
 * reach is the limit plus the start that I offers. Bounds of regions in place of ideals keep every real partition.
 */
export class RegionTable {
  readonly regions: Region[] = [];
  private readonly instance: Instance;
  /** Per stage: least work / speed + cut, and largest work / speed − cut, of each region. Stages of one speed share them. */
  private readonly entries: number[][];
  private readonly exits: number[][];
  private readonly bySpeed = new Map<number, { readonly entries: number[]; readonly exits: number[] }>();

  constructor(instance: Instance) {
    this.instance = instance;
    const columns = Array.from(instance.stages.speed, (speed) => {
      const key = 1 / (1 / speed);
      const known = this.bySpeed.get(key) ?? { entries: [], exits: [] };
      this.bySpeed.set(key, known);
      return known;
    });
    this.entries = columns.map(({ entries }) => entries);
    this.exits = columns.map(({ exits }) => exits);
  }

  /** Puts a new region, which has its first supports only, at a place; the next free one by default. */
  set(region: Region, at = this.regions.length): void {
    this.regions[at] = region;
    for (const { slope, base } of region.supports) {
      if (slope > 0) this.bySpeed.get(1 / slope)!.entries[at] = base;
      else if (slope < 0) this.bySpeed.get(-1 / slope)!.exits[at] = -base;
    }
  }

  /**
   * The start that a region offers to the stage after `stage` when that can end at `reach`; −Infinity if it cannot end
   * here. Each support alone gives a bound, where its line meets the reach; the smallest counts. O(supports).
   */
  through(region: Region, stage: number, reach: number): number {
    const speed = this.instance.stages.speed[stage]!;
    const ratio = speed / this.instance.stages.speed[stage + 1]!;
    let best = Infinity;
    for (const { slope, base } of region.supports) {
      const tilt = slope * speed;
      if (tilt >= 1 - 1e-9) {
        if (tilt < 1 + 1e-9 && base > reach) return -Infinity;
        continue;
      }
      if (tilt < -ratio - 1e-9) continue;
      const start = ratio * reach - ((ratio + 1) * (base - tilt * reach)) / (1 - tilt);
      if (start < best) best = start;
    }
    return best;
  }

  /**
   * starts[s]: the largest start that any region offers to stage s; undefined when the end is out of reach, so that no
   * partition has loads ≤ `limitMs`. O(stages · regions).
   */
  starts(limitMs: number): Float64Array | undefined {
    const { stages, totalWork } = this.instance;
    const limit = limitMs * (1 + 1e-9);
    const starts = new Float64Array(stages.count);
    let ends = false;
    for (let s = 0; s < stages.count; s++) {
      const reach = limit + starts[s]!;
      ends ||= totalWork / stages.speed[s]! <= reach;
      if (s + 1 === stages.count) break;
      let start = -Infinity;
      const entries = this.entries[s]!;
      const exits = this.exits[s + 1]!;
      for (let at = 0; at < entries.length; at++)
        if (entries[at]! <= reach && exits[at]! > start)
          start = Math.max(start, this.through(this.regions[at]!, s, reach));
      starts[s + 1] = start;
    }
    return ends ? starts : undefined;
  }

  /** The smallest limit, to `precision`, that `starts` cannot rule out. O(log(1 / precision) · stages · regions). */
  bound(knownMs: number, limitMs: number, precision: number): number {
    if (this.starts(knownMs)) return knownMs;
    let low = knownMs;
    let high = limitMs;
    if (!this.starts(high)) return high;
    while (high - low > precision * high) {
      const middle = (low + high) / 2;
      if (this.starts(middle)) high = middle;
      else low = middle;
    }
    return low;
  }

  /**
   * The chains of regions that reach the end with loads ≤ `limitMs`; undefined when there is none: the limit is a bound.
   *
   * First without regard to containment, then with: an ideal of region R lies in one of region R' only if nothing that R
   * holds is barred from R'. Where all stages are alike, a region counts again at a later stage only if it offers more
   * there than before. Only refinement of these regions can raise the bound above the limit.
   * O(stages · regions) and, between regions that are left, a few words each for most.
   */
  chains(limitMs: number): Chains | undefined {
    const starts = this.starts(limitMs);
    if (!starts) return undefined;
    const { candidates, needed } = this.relaxed(limitMs, starts);
    const { stages, totalWork } = this.instance;
    const limit = limitMs * (1 + 1e-9);
    const uniform = stages.speed.every((speed) => speed === stages.speed[0]);
    const known = new Float64Array(this.regions.length).fill(-Infinity);
    const whole = (s: number): number => totalWork / stages.speed[s]! - limit;
    const forward: ChainRegion[][] = [];
    let end: ChainRegion | undefined;
    let ends = whole(0) <= 0;
    for (let s = 0; s + 1 < stages.count; s++) {
      const previous = forward[s - 1];
      if (previous?.length === 0) break;
      const furthest = limit + (previous?.[0]!.start ?? 0);
      const here: ChainRegion[] = [];
      for (const at of candidates[s]!) {
        const region = this.regions[at]!;
        const entry = this.entries[s]![at]!;
        const worth = Math.max(needed[s]!, uniform ? known[at]! + 1e-9 * limitMs : -Infinity);
        if (entry > furthest || this.exits[s + 1]![at]! < worth || this.through(region, s, furthest) < worth) continue;
        const from = previous && this.bestBefore(region, previous, entry - limit);
        if (previous && !from) continue;
        const reach = limit + (from?.start ?? 0);
        const start = this.through(region, s, reach);
        if (start < worth) continue;
        known[at] = start;
        here.push({ region: at, reach, start, from });
      }
      here.sort((a, b) => b.start - a.start);
      forward.push(here);
      if (!ends && here.length > 0 && here[0]!.start >= whole(s + 1)) {
        ends = true;
        end = here[0];
      }
    }
    return ends ? { critical: this.onChains(forward, limit), end } : undefined;
  }

  /** Corners of regions that can be boundaries of a partition with loads ≤ `limitMs`. */
  useful(limitMs: number): Ideal[] {
    const out = new Set<Ideal>();
    const { speed } = this.instance.stages;
    this.chains(limitMs)?.critical.forEach((list, stage) => {
      for (const { region, reach } of list)
        for (const corner of this.regions[region]!.corners)
          if (corner.work / speed[stage]! + corner.cut <= reach) out.add(corner);
    });
    return [...out];
  }

  /** The best previous region that `region` can follow, if its start is not below `least`; `previous` is sorted. */
  private bestBefore(region: Region, previous: readonly ChainRegion[], least: number): ChainRegion | undefined {
    for (const candidate of previous) {
      if (candidate.start < least) return undefined;
      if (mayPrecede(this.regions[candidate.region]!, region)) return candidate;
    }
    return undefined;
  }

  /** Of regions that can be reached, those from which the end can be reached. */
  private onChains(forward: readonly (readonly ChainRegion[])[], limit: number): ChainRegion[][] {
    const { stages, totalWork } = this.instance;
    const critical: ChainRegion[][] = [];
    let after: readonly ChainRegion[] = [];
    for (let s = forward.length - 1; s >= 0; s--) {
      const whole = totalWork / stages.speed[s + 1]! - limit;
      critical[s] = forward[s]!.filter(
        ({ start, region }) =>
          start >= whole ||
          after.some(
            (next) =>
              this.entries[s + 1]![next.region]! <= limit + start &&
              mayPrecede(this.regions[region]!, this.regions[next.region]!),
          ),
      );
      after = critical[s]!;
    }
    return critical;
  }

  /** By stage: places of regions on chains without regard to containment, and the least start from which the end is in reach. */
  private relaxed(limitMs: number, starts: Float64Array): { candidates: number[][]; needed: Float64Array } {
    const { stages, totalWork } = this.instance;
    const limit = limitMs * (1 + 1e-9);
    const candidates: number[][] = [];
    const needed = new Float64Array(stages.count);
    let least = totalWork / stages.speed[stages.count - 1]!;
    for (let s = stages.count - 2; s >= 0; s--) {
      needed[s] = least - limit;
      least = totalWork / stages.speed[s]!;
      const here: number[] = [];
      const reach = limit + starts[s]!;
      const entries = this.entries[s]!;
      const exits = this.exits[s + 1]!;
      for (let at = 0; at < entries.length; at++) {
        if (entries[at]! > reach || exits[at]! < needed[s]!) continue;
        if (this.through(this.regions[at]!, s, reach) < needed[s]!) continue;
        here.push(at);
        least = Math.min(least, entries[at]!);
      }
      candidates[s] = here;
    }
    return { candidates, needed };
  }
}
