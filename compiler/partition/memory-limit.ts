/** @file The smallest memory limit, the same for every stage, under which a partition is found. */
import { closureOf } from "./closure.js";
import type { Instance } from "./instance.js";
import { candidateOrders } from "./orders.js";
import { slice } from "./slicing.js";
import { sliceRelay } from "./slicing-relay.js";

/** Above this many nodes only the fast slicing is tried; it counts a little more memory in the direct model. */
const LARGE = 2000;

/**
 * Bytes per stage that suffice, to 0.1 %, or Infinity when pins leave no partition at all. Found by bisection over
 * slicings, so a cleverer partition may fit into a little less. O(20 · orders · slicing).
 */
export function smallestMemoryLimit(instance: Instance): number {
  const orders = candidateOrders(instance, closureOf(instance));
  const fits = (bytes: number): boolean => {
    const memory = new Float64Array(instance.stages.count).fill(bytes);
    const limited: Instance = { ...instance, stages: { ...instance.stages, memory } };
    const fast = instance.relay || instance.size > LARGE;
    return orders.some(
      (order) => (fast ? sliceRelay(limited, order, 0, Infinity) : slice(limited, order, Infinity)) !== undefined,
    );
  };
  if (!fits(Infinity)) return Infinity;
  let enough = 1;
  while (!fits(enough)) enough *= 2;
  let short = enough / 2;
  while (enough - short > enough * 1e-3) {
    const middle = (enough + short) / 2;
    if (fits(middle)) enough = middle;
    else short = middle;
  }
  return Math.ceil(enough);
}
