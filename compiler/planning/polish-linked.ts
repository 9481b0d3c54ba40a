/**
 * @file The last touch on a cut in which forward passes run again: as polish.ts, with runs of several blocks too, and by
 * what linked plans hold. Each move changes what has to run again, so a cut whose work is balanced need not be best.
 */
import { stagesByDevice, violations } from "../partition/evaluate.js";
import type { PartitionProblem } from "../partition/problem.js";
import { withoutLimits } from "./fit-memory.js";
import type { Fitter } from "./fitter.js";
import type { Priced } from "./less-again.js";
import { several, single } from "./memory-descent.js";
import { stepMs } from "./placed.js";

/** Cuts that are timed, and plans that are linked. */
const MOST_DRAFTS = 250;
const MOST_PLANS = 30;
/** A move must shorten the step by this share. */
const WORTH = 1e-4;
/** Plans of one cut, each at higher prices where the one before held too much. */
const ROUNDS = 2;
const DEARER = 1.5;

/**
 * Requires: the plan keeps the limits. Ensures: so does the result, which is no slower. Cost: a flow for each device and
 * a simulation per move, and a plan for each that seems faster.
 */
export async function polishLinked(
  problem: PartitionProblem,
  first: Priced,
  fitter: Fitter,
  isTimeUp: () => Promise<boolean>,
): Promise<Priced> {
  const free = withoutLimits({ ...problem, recompute: [] });
  const devices = stagesByDevice(problem);
  const { solver, stageOf } = first.placed.draft.cut;
  const known = new Set([stageOf.join()]);
  let best = first;
  let plans = 0;
  /** The plan of a cut if it fits and is faster; memory has the same price on each device as in the best plan. */
  const better = (next: readonly number[]): Priced | undefined => {
    if (violations(free, next).length > 0) return undefined;
    const curve = fitter.againCurve(next);
    let { prices } = best;
    for (let round = 0; round < ROUNDS && plans < MOST_PLANS; round++) {
      const own = prices;
      const again = devices.flatMap((stages) => curve.at(stages, own[problem.stages[stages[0]!]!.device!]!).blocks);
      const chosen = { ...problem, recompute: again.sort((a, b) => a - b) };
      const { updateMs } = best.placed;
      if (fitter.draftMs(chosen, next, solver) + updateMs >= stepMs(best.placed) * (1 - WORTH)) return undefined;
      plans++;
      const fitting = fitter.relink(chosen, next, solver);
      if (fitter.keeps(fitting))
        return stepMs(fitting.placed) < stepMs(best.placed) * (1 - WORTH) ? { ...fitting, prices } : undefined;
      prices = prices.map((price, device) =>
        fitting.heldBytes[device]! > (fitter.limits[device] ?? Infinity) ? price * DEARER : price,
      );
    }
    return undefined;
  };
  for (let step = Math.ceil(stageOf.length / (2 * problem.stages.length)); step >= 1;) {
    let isBetter = false;
    const now = best.placed.draft.cut.stageOf;
    for (const next of step === 1 ? single(problem, now) : several(problem, now, step)) {
      if (known.has(next.join())) continue;
      if (known.size >= MOST_DRAFTS || plans >= MOST_PLANS || (await isTimeUp())) return best;
      known.add(next.join());
      const found = better(next);
      if (!found) continue;
      [best, isBetter] = [found, true];
      break;
    }
    if (!isBetter) step = Math.floor(step / 2);
  }
  return best;
}
