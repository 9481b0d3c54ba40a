/**
 * @file From all forward passes running again down to few, with the stages as they are. Goes by what linked plans hold,
 * since the partitioner's count of what running again saves is rough, and memory does not fall with every pass that runs
 * again: the workspace may grow by more than a stash.
 */
import { againOffers, stagesByDevice } from "../partition/evaluate.js";
import type { PartitionProblem } from "../partition/problem.js";
import { againChoices } from "../partition/recompute-choice.js";
import type { Fitter, Fitting } from "./fitter.js";
import { needing } from "./placed-cut.js";

export interface LessAgainOptions {
  readonly fitter: Fitter;
  /** Lets the limits decide what runs again. */
  readonly problem: PartitionProblem;
  readonly isTimeUp: () => Promise<boolean>;
}

/**
 * Device by device, choices are tried until one fits: the ones that run least again, then ever fewer of the others.
 * Ensures: the result keeps the limits; undefined where not even all forward passes running again make these stages fit.
 * Cost: for each device, a plan for every doubling of its choices.
 */
export async function lessAgain(
  stageOf: readonly number[],
  solver: string,
  { fitter, problem, isTimeUp }: LessAgainOptions,
): Promise<Fitting | undefined> {
  const offers = againOffers(problem, stageOf);
  const choices = new Map(
    stagesByDevice(problem).map((own) => [
      problem.stages[own[0]!]!.device!,
      againChoices(offers.filter(({ block }) => own.includes(stageOf[block]!))).map(({ neededBytes }) => neededBytes),
    ]),
  );
  const link = (needed: readonly number[]) => fitter.relink(needing(problem, stageOf, needed), stageOf, solver);
  let needed = fitter.limits.map((_, device) => choices.get(device)?.at(-1) ?? 0);
  let best = link(needed);
  if (!fitter.keeps(best)) return undefined;
  for (const [device, own] of choices)
    for (let index = 0; index < own.length - 1; index = Math.max(index + 1, 2 * index)) {
      if (await isTimeUp()) return best;
      const less = needed.with(device, own[index]!);
      const next = link(less);
      if (!fitter.keeps(next)) continue;
      [needed, best] = [less, next];
      break;
    }
  return best;
}
