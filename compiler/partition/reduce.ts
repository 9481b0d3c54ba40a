/** @file All contractions that keep every partition better than a known one, one after the other. */
import type { Contraction } from "./contract.js";
import { foldFree } from "./fold.js";
import type { Instance } from "./instance.js";
import { contractUncuttable } from "./uncuttable.js";

/**
 * A smaller instance with the same optimum, if that is below `limitMs`. Presolve by dominance and by bounds, as for
 * integer programmes (Savelsbergh 1994, ORSA Journal on Computing 6). Cost: that of uncuttable.ts and fold.ts once each.
 */
export function reduceInstance(instance: Instance, limitMs: number): Contraction {
  const whole = contractUncuttable(instance, limitMs);
  const folded = foldFree(whole.instance, limitMs);
  return { instance: folded.instance, nodeOf: whole.nodeOf.map((v) => folded.nodeOf[v]!) };
}
