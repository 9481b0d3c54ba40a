/**
 * @file How good a partition is known to be: weak duality, and the relative gap of integer programming (Wolsey 1998,
 * Integer Programming, section 2.1). Constant time.
 */
import { invariant } from "../errors.js";
import { gapOf } from "../gap.js";
import type { Certificate } from "./problem.js";

/** A partition is called optimal only when its gap is proven to be at most this. */
export const OPTIMAL_GAP = 1e-4;

/** Whether more than a trace of the bound rests on the word of a solver. */
export function restsOnSolver({ boundMs, ownBoundMs }: Certificate): boolean {
  return ownBoundMs < boundMs * (1 - OPTIMAL_GAP);
}

/**
 * The certificate of a bottleneck that was recomputed from the assignment, and lower bounds: the best one, and the best
 * one that needs no solver's word.
 */
export function certify(bottleneckMs: number, boundMs: number, ownBoundMs: number): Certificate {
  invariant(boundMs <= bottleneckMs * (1 + 1e-6) + 1e-12, `bound ${boundMs} is above bottleneck ${bottleneckMs}`);
  const bound = Math.min(bottleneckMs, boundMs);
  const gap = gapOf(bottleneckMs, bound);
  const status = gap <= OPTIMAL_GAP ? "optimal" : "feasible";
  return { status, bottleneckMs, boundMs: bound, gap, ownBoundMs: Math.min(bound, ownBoundMs) };
}
