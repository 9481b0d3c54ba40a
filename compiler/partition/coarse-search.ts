/** @file Searches coarse versions of a graph for partitions that the fine graph's own search would take long to meet. */
import { closureOf } from "./closure.js";
import { coarsen } from "./coarsening.js";
import { expand } from "./contract.js";
import { searchIdeals } from "./ideal-search.js";
import type { Incumbent } from "./incumbent.js";
import type { Instance } from "./instance.js";
import type { Interruption } from "./interruption.js";
import { candidateOrders } from "./orders.js";
import { sliceRelay } from "./slicing-relay.js";

/** Nodes of a coarse graph have at most these shares of the bottleneck, coarsest first. */
const SHARES = [0.25, 0.1, 0.05];
/** A graph that shrinks by less is hardly easier. */
const WORTHWHILE = 0.75;
const REGION_LIMIT = 4000;
/** Coarse partitions lose more than this to the fine optimum. */
const GAP = 1e-3;

/**
 * Offers the partitions that the search over regions of ideals finds on coarser and less coarse graphs, each started from
 * the best slicing of the coarse graph. Their bounds hold for the coarse graphs alone and are left aside.
 * Multilevel search as in Hendrickson & Leland 1995, "A multilevel algorithm for partitioning graphs", without refinement
 * between levels. Cost: three coarsenings, and three searches over at most 4,000 regions each. Relay model.
 */
export async function searchCoarse(best: Incumbent, { cancelled, pause }: Interruption): Promise<void> {
  for (const share of SHARES) {
    if (cancelled()) return;
    const { instance, nodeOf } = coarsen(best.instance, share * best.bottleneckMs);
    if (instance.size > WORTHWHILE * best.instance.size || instance.size < instance.stages.count) continue;
    const start = bestSlicing(instance);
    if (!start) continue;
    const offer = (stageOf: Int32Array): boolean => best.offer(expand(nodeOf, stageOf), "coarse-search");
    offer(start.stageOf);
    await searchIdeals(instance, {
      order: start.order,
      boundMs: 0,
      limitMs: start.bottleneckMs,
      gap: GAP,
      maxRegions: REGION_LIMIT,
      cancelled,
      pause,
      offer: ({ stageOf }) => offer(stageOf),
    });
  }
}

function bestSlicing(instance: Instance) {
  let best: { readonly order: Int32Array; readonly stageOf: Int32Array; readonly bottleneckMs: number } | undefined;
  for (const order of candidateOrders(instance, closureOf(instance))) {
    const sliced = sliceRelay(instance, order, 0, best?.bottleneckMs ?? Infinity);
    if (sliced) best = { order, ...sliced };
  }
  return best;
}
