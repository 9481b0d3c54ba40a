/**
 * @file A plan that fits where forward passes may run again as memory asks for it. What the partitioner counts of that is
 * rough, so where something has to run again the plans of several cuts are tried.
 */
import type { PipewrightError } from "../errors.js";
import type { PartitionProblem } from "../partition/problem.js";
import type { Fitter, Fitting } from "./fitter.js";
import { unlessInfeasible } from "./infeasible.js";
import { lessAgain } from "./less-again.js";
import { stepMs } from "./placed.js";

/**
 * Besides the cut under the limits: one with all forward passes running again; these two, a cut that is counted to hold
 * least and one without limits, with few running again; and the cut that is made when the partitioner is told what it does
 * not count. The fastest of their plans.
 * @throws PLAN_INFEASIBLE when none of the cuts is possible for other reasons than memory.
 */
export async function fitAgain(
  problem: PartitionProblem,
  fitter: Fitter,
  { isTimeUp }: { readonly isTimeUp: () => Promise<boolean> },
): Promise<Fitting | undefined> {
  let failure: PipewrightError | undefined;
  const attempt = (make: () => Promise<Fitting | undefined>): Promise<Fitting | undefined> =>
    unlessInfeasible(make, (error) => (failure ??= error));
  const direct = await attempt(() => fitter.fit(problem));
  if (direct && (direct.placed.draft.cut.again.length === 0 || (await isTimeUp()))) return direct;
  const most = await attempt(() => fitter.fit({ ...problem, recompute: "all" }));
  let best = faster(direct, most);
  const cuts = [most, direct].flatMap((own) => own?.placed.draft.cut ?? []);
  for (const { stageOf, solver } of [...cuts, ...(await fitter.quickCuts(problem))]) {
    if (best && (await isTimeUp())) break;
    best = faster(best, await lessAgain(stageOf, solver, { fitter, problem, isTimeUp }));
  }
  if (most && !(await isTimeUp())) {
    const uncounted = most.heldBytes.map((bytes, device) => bytes - most.countedBytes[device]!);
    best = faster(best, await attempt(() => fitter.fit(problem, uncounted)));
  }
  if (!best && failure) throw failure;
  return best;
}

function faster(a: Fitting | undefined, b: Fitting | undefined): Fitting | undefined {
  return a && b ? (stepMs(b.placed) < stepMs(a.placed) ? b : a) : (a ?? b);
}
