/**
 * @file A plan that fits where forward passes may run again as memory asks for it. What the partitioner counts of that is
 * rough, so where something has to run again, or memory costs time, the plans of several cuts are tried.
 */
import type { PipewrightError } from "../errors.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import { SHORTER } from "./draft.js";
import type { Fitter, Fitting } from "./fitter.js";
import { fasterCuts } from "./faster-cuts.js";
import { unlessInfeasible } from "./infeasible.js";
import type { Priced } from "./less-again.js";
import { lessAgain } from "./less-again.js";
import { stepMs } from "./placed.js";
import { polishLinked } from "./polish-linked.js";

/** Of the plans of several cuts, the ones that are polished. */
const MOST_POLISHED = 2;
/** Times that cuts are made anew with what is not counted of the best plan. */
const RECUTS = 2;

export interface FitAgainOptions {
  readonly isTimeUp: () => Promise<boolean>;
}

/**
 * Starts from the cut under the limits, from quick ones, and from one with all forward passes running again if none of
 * these fits; few of them running again in each, and the fastest plans polished; then from cuts that are made when the
 * partitioner is told what it does not count of the best plan. The fastest of all.
 * @throws PLAN_INFEASIBLE when none of the cuts is possible for other reasons than memory.
 */
export async function fitAgain(
  problem: PartitionProblem,
  fitter: Fitter,
  { isTimeUp }: FitAgainOptions,
): Promise<Fitting | undefined> {
  let failure: PipewrightError | undefined;
  const fit = (own: PartitionProblem, reserved?: readonly number[]): Promise<Fitting | undefined> =>
    unlessInfeasible(
      () => fitter.fit(own, reserved),
      (error) => (failure ??= error),
    );
  const direct = await fit(problem);
  if (direct && (await isTimeUp())) return direct;
  const free = await fitter.freeCut(problem);
  const tight = await fitter.tightCut(problem);
  const starts = [free, tight].flatMap((cut) => cut ?? []);
  const faster = await fasterCuts(problem, starts, fitter, isTimeUp);
  if (direct && isFree(direct, faster[0]?.makespanMs)) return direct;
  let best = direct;
  const descents: Priced[] = [];
  const known = new Set<string>();
  const offer = async ({ stageOf, solver }: Pick<Partition, "stageOf" | "solver">): Promise<void> => {
    if (known.has(stageOf.join()) || (best && (await isTimeUp()))) return;
    known.add(stageOf.join());
    const belowMs = best && { belowMs: best.placed.draft.timeline.makespanMs };
    const less = await lessAgain(stageOf, solver, { fitter, problem, isTimeUp, ...belowMs });
    if (!less) return;
    descents.push(less);
    best = fasterOf(best, fitter.searched(less));
  };
  for (const cut of [...faster, tight, await fitter.wholeCut(problem), direct?.placed.draft.cut])
    if (cut) await offer(cut);
  if (!best) {
    best = await fit({ ...problem, recompute: "all" });
    if (best) await offer(best.placed.draft.cut);
  }
  for (let round = 0; best && round < RECUTS && !(await isTimeUp()); round++) {
    const before = stepMs(best.placed);
    const starts = descents.splice(0).sort((a, b) => stepMs(a.placed) - stepMs(b.placed));
    for (const start of starts.slice(0, MOST_POLISHED)) {
      const polished = await polishLinked(problem, start, fitter, isTimeUp);
      best = fasterOf(best, fitter.searched(polished))!;
      await offer(polished.placed.draft.cut);
    }
    const { heldBytes, countedBytes }: Fitting = best;
    const recut = await fit(
      problem,
      heldBytes.map((bytes, device) => bytes - countedBytes[device]!),
    );
    best = fasterOf(best, recut)!;
    if (recut) await offer(recut.placed.draft.cut);
    if (stepMs(best.placed) >= before * (1 - SHORTER)) break;
  }
  if (!best && failure) throw failure;
  return best;
}

/** The plan of a quick cut with as little running again as fits: without limits, or else of the one that holds least. */
export async function fitQuickly(
  problem: PartitionProblem,
  fitter: Fitter,
  { isTimeUp }: FitAgainOptions,
): Promise<Fitting | undefined> {
  for (const cutter of [() => fitter.freeCut(problem), () => fitter.tightCut(problem)]) {
    const cut = await cutter();
    const less = cut && (await lessAgain(cut.stageOf, cut.solver, { fitter, problem, isTimeUp }));
    if (less) return fitter.searched(less);
  }
  return undefined;
}

/** Whether memory costs nothing: nothing runs again, and the step is about as short as without limits. */
function isFree({ placed: { draft } }: Fitting, freeMs = Infinity): boolean {
  return draft.cut.again.length === 0 && draft.timeline.makespanMs <= freeMs * (1 + SHORTER);
}

function fasterOf(a: Fitting | undefined, b: Fitting | undefined): Fitting | undefined {
  return a && b ? (stepMs(b.placed) < stepMs(a.placed) ? b : a) : (a ?? b);
}
