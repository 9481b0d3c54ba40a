/**
 * @file The last touch on a cut in which forward passes run again: as polish.ts, with runs of several blocks too, and by
 * what linked plans hold. Each move changes what has to run again, so a cut whose work is balanced need not be best.
 */
import { stagesByDevice } from "../partition/evaluate.js";
import type { PartitionProblem } from "../partition/problem.js";
import { SHORTER } from "./draft.js";
import type { Fitter } from "./fitter.js";
import type { Priced } from "./less-again.js";
import { lessAgain } from "./less-again.js";
import { halfStage, isValid, neighbours } from "./moves.js";
import { stepMs } from "./placed.js";

/** Cuts that are timed. */
const MOST_DRAFTS = 400;
/** Nodes that are linked: some plans of large models, many of small ones. */
const MOST_NODES = 40_000;
/** Plans of one cut, each at higher prices where the one before held too much. */
const ROUNDS = 2;
const DEARER = 1.5;

/**
 * First with memory at the price that it has on each device in the best plan; where no move helps any more, with what runs
 * again chosen anew for each.
 * Requires: the plan keeps the limits. Ensures: so does the result, which is no slower. Cost: a flow for each device and
 * a simulation per move, and a plan or several for each that seems faster.
 */
export async function polishLinked(
  problem: PartitionProblem,
  first: Priced,
  fitter: Fitter,
  isTimeUp: () => Promise<boolean>,
): Promise<Priced> {
  const known = new Set<string>();
  const end = fitter.linkedNodes + MOST_NODES;
  const isOver = async (): Promise<boolean> =>
    known.size >= MOST_DRAFTS || fitter.linkedNodes >= end || (await isTimeUp());
  const byPrice = await descend(problem, first, { isOver, pairs: false }, async (next, best) => {
    const key = next.join();
    if (known.has(key)) return undefined;
    known.add(key);
    return atPrices(problem, next, best, fitter);
  });
  known.clear();
  return descend(problem, byPrice, { isOver, pairs: true }, async (next, { placed: { draft } }) => {
    const key = next.join();
    if (known.has(key) || !isValid(problem, next)) return undefined;
    known.add(key);
    const belowMs = draft.timeline.makespanMs * (1 - SHORTER);
    return lessAgain(next, draft.cut.solver, { fitter, problem, isTimeUp: isOver, belowMs });
  });
}

/** Moves blocks as long as that leads to better plans: halves of stages at first, at last single ones or any two. */
async function descend(
  problem: PartitionProblem,
  first: Priced,
  { isOver, pairs }: { readonly isOver: () => Promise<boolean>; readonly pairs: boolean },
  better: (next: readonly number[], best: Priced) => Promise<Priced | undefined>,
): Promise<Priced> {
  let best = first;
  for (let step = halfStage(problem); step >= (pairs ? 0 : 1);) {
    let found: Priced | undefined;
    const now = best.placed.draft.cut.stageOf;
    for (const next of neighbours(problem, now, step)) {
      if (await isOver()) return best;
      found = await better(next, best);
      if (found) break;
    }
    if (found) best = found;
    else step = step === 0 ? -1 : Math.floor(step / 2);
  }
  return best;
}

/**
 * The plan of a cut, if it fits and is faster than the best one: at the prices of that, or higher ones where it holds too
 * much. Prices of 0 and of Infinity do not rise; where no other does, there is nothing else to try.
 */
function atPrices(
  problem: PartitionProblem,
  next: readonly number[],
  best: Priced,
  fitter: Fitter,
): Priced | undefined {
  if (!isValid(problem, next)) return undefined;
  const { solver } = best.placed.draft.cut;
  const curve = fitter.againCurve(next);
  const belowMs = stepMs(best.placed) * (1 - SHORTER);
  let { prices } = best;
  for (let round = 0; round < ROUNDS; round++) {
    const own = prices;
    const again = stagesByDevice(problem).flatMap(
      (stages) => curve.at(stages, own[problem.stages[stages[0]!]!.device!]!).blocks,
    );
    const chosen = { ...problem, recompute: again.sort((a, b) => a - b) };
    if (fitter.draftMs(chosen, next, solver) + best.placed.updateMs >= belowMs) return undefined;
    const fitting = fitter.relink(chosen, next, solver);
    if (fitter.keeps(fitting)) return stepMs(fitting.placed) < belowMs ? { ...fitting, prices } : undefined;
    prices = own.map((price, device) =>
      fitting.heldBytes[device]! > (fitter.limits[device] ?? Infinity) ? price * DEARER : price,
    );
    if (prices.every((price, device) => price === own[device])) return undefined;
  }
  return undefined;
}
