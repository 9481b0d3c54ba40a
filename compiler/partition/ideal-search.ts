/** @file Branch and bound over regions of ideals: bound and partition of the relay model, for graphs of any width. */
import { hasBit } from "./bits.js";
import { RegionTable } from "./chain-bound.js";
import type { ChainRegion, Chains } from "./chain-bound.js";
import { bestChain, distinctIdeals, nestedChains } from "./ideal-pool.js";
import { IdealSpace } from "./ideal-space.js";
import type { Ideal, Region } from "./ideal-space.js";
import type { Instance } from "./instance.js";
import type { Interruption } from "./interruption.js";
import type { Candidate } from "./slicing.js";

/** Where to begin and when to stop. */
export interface SearchOptions extends Interruption {
  /** A topological order along which good partitions were found. */
  readonly order: ArrayLike<number>;
  readonly boundMs: number;
  /** Only partitions below this are of interest. */
  readonly limitMs: number;
  /** Relative gap that is good enough. */
  readonly gap: number;
  readonly maxRegions: number;
  /** Told of every partition that is better than those before, at the costs of the fastest link. */
  readonly offer: (candidate: Candidate) => void;
}

/** Regions at the start are about this many, equal in work. */
const PIVOTS = 2000;
/** Regions refined per round: at the stage with the fewest left, and at every other. */
const AT_NARROWEST = 32;
const ELSEWHERE = 4;
/** Rounds after which the pool of corners is searched: these, and then every so many. */
const POOL_EARLY = [4, 8, 14];
const POOL_INTERVAL = 20;
const POOL_LIMIT = 20_000;
/** Rounds without progress after which a nearer target is tried. */
const PATIENCE = 12;

/**
 * Raises the lower bound and offers partitions until they meet, or the work is used up.
 *
 * Each round takes a target between bound and best partition. If no chain of regions has loads up to the target, it is a
 * bound. Otherwise the regions on chains are refined: supports are added by parametric minimum cuts, regions are split
 * between two ideals of their hull, and where the ideals of the best chain are not nested, at a node that shows it.
 * When nothing is left to refine, the chain is a partition. Memory, pins and unlike links are left out of the bound,
 * which stays valid without them; the caller judges what is offered.
 *
 * Exact on wide graphs whose ideals cannot be listed. O(regions · stages) per round and a few flows per refined region.
 * Related: bounds from cuts per slice of work and Lagrangian terms, "Practical Performance Guarantees for Pipelined DNN
 * Inference" (ICML 2024); parametric cuts, Gallo, Grigoriadis & Tarjan 1989.
 * @returns the bound, in milliseconds.
 */
export async function searchIdeals(instance: Instance, options: SearchOptions): Promise<number> {
  const search = new IdealSearch(instance, options);
  await search.run();
  return search.boundMs;
}

class IdealSearch {
  boundMs: number;
  private readonly instance: Instance;
  private readonly options: SearchOptions;
  private readonly space: IdealSpace;
  private readonly table: RegionTable;
  /** No partition with a smaller bottleneck is known, by the costs of this search. */
  private ceilingMs: number;
  private stepMs: number;
  private idleRounds = 0;

  constructor(instance: Instance, options: SearchOptions) {
    this.instance = instance;
    this.options = options;
    this.space = new IdealSpace(instance);
    this.table = new RegionTable(instance);
    for (const region of this.space.byPivots(pivotsAlong(instance, options.order))) this.table.set(region);
    this.ceilingMs = options.limitMs;
    this.boundMs = this.table.bound(options.boundMs, this.ceilingMs, options.gap / 100);
    this.stepMs = (this.ceilingMs - this.boundMs) / 10;
  }

  async run(): Promise<void> {
    const { gap, maxRegions, cancelled, pause } = this.options;
    const finest = (gap * this.ceilingMs) / 4;
    let round = 0;
    while (
      this.ceilingMs - this.boundMs > gap * this.ceilingMs &&
      this.table.regions.length < maxRegions &&
      !cancelled()
    ) {
      await pause();
      const highest = this.ceilingMs * (1 - gap / 2);
      const target = Math.min(this.boundMs + this.stepMs, highest);
      const chains = this.table.chains(target);
      if (!chains) {
        this.boundMs = target;
        this.stepMs *= 2;
        this.idleRounds = 0;
        continue;
      }
      round++;
      this.idleRounds++;
      const refined = this.refineAll(chains) + this.followBest(chains);
      if (POOL_EARLY.includes(round) || round % POOL_INTERVAL === 0 || refined === 0) this.searchPool(target);
      if (refined === 0 && this.idleRounds > 0) {
        if (target >= highest) return;
        this.stepMs *= 2;
      } else if (this.idleRounds > PATIENCE) {
        this.stepMs = Math.max(this.stepMs / 2, finest);
        this.idleRounds = 0;
      }
    }
  }

  private offer(candidate: Candidate | undefined): void {
    if (!candidate || candidate.bottleneckMs >= this.ceilingMs) return;
    this.ceilingMs = candidate.bottleneckMs;
    this.stepMs = Math.min(this.stepMs, Math.max(0, this.ceilingMs - this.boundMs) / 4);
    this.idleRounds = 0;
    this.options.offer(candidate);
  }

  private searchPool(targetMs: number): void {
    const pool = distinctIdeals(this.table.useful(targetMs));
    if (pool.length <= POOL_LIMIT) this.offer(bestChain(this.instance, pool, Math.min(this.ceilingMs, targetMs)));
  }

  private replace(at: number, halves: readonly [Region, Region]): void {
    this.table.set(halves[0], at);
    this.table.set(halves[1]);
  }

  private offersLess({ region, reach, start }: ChainRegion, stage: number): boolean {
    return this.table.through(this.table.regions[region]!, stage, reach) < start - 1e-9 * this.ceilingMs;
  }

  /** Refines the regions that offer most at each stage; most of them where few are left, to break all chains there. */
  private refineAll({ critical }: Chains): number {
    const narrowest = critical.reduce((least, { length }) => (length > 0 ? Math.min(least, length) : least), Infinity);
    let refined = 0;
    critical.forEach((list, stage) => {
      const quota = list.length <= 1.3 * narrowest ? AT_NARROWEST : ELSEWHERE;
      let here = 0;
      for (let i = 0; i < list.length && here < quota; i++) if (this.refine(list[i]!, stage)) here++;
      refined += here;
    });
    return refined;
  }

  private refine(chain: ChainRegion, stage: number): boolean {
    if (this.offersLess(chain, stage)) return true;
    const region = this.table.regions[chain.region]!;
    const [low, high] = this.space.tighten(region, this.instance.stages.speed[stage]!, chain.reach);
    if (this.offersLess(chain, stage)) return true;
    const v = high ? this.space.between(low, high) : -1;
    if (v < 0 || hasBit(region.inside, v) || hasBit(region.outside, v)) return false;
    this.replace(chain.region, this.space.split(region, v));
    return true;
  }

  /** Tightens the best chain, offers the partitions that it suggests, and splits where its ideals are not nested. */
  private followBest({ end }: Chains): number {
    const path: ChainRegion[] = [];
    for (let at = end; at; at = at.from) path.unshift(at);
    const ideals: Ideal[] = path.map(({ region, reach }, stage) => {
      const speed = this.instance.stages.speed[stage]!;
      return this.space.tighten(this.table.regions[region]!, speed, reach)[0];
    });
    let refined = path.filter((chain, stage) => this.offersLess(chain, stage)).length;
    for (let s = 0; s + 1 < ideals.length; s++) {
      const v = this.space.between(ideals[s + 1]!, ideals[s]!);
      if (v < 0) continue;
      for (const { region: at } of [path[s]!, path[s + 1]!]) {
        const region = this.table.regions[at]!;
        if (hasBit(region.inside, v) || hasBit(region.outside, v)) continue;
        this.replace(at, this.space.split(region, v));
        refined++;
      }
    }
    for (const candidate of nestedChains(this.instance, ideals)) this.offer(candidate);
    return refined;
  }
}

function pivotsAlong(instance: Instance, order: ArrayLike<number>): number[] {
  const pivots: number[] = [];
  let since = 0;
  for (let at = 0; at < order.length; at++) {
    since += instance.work[order[at]!]!;
    if (since < instance.totalWork / PIVOTS) continue;
    pivots.push(order[at]!);
    since = 0;
  }
  return pivots;
}
