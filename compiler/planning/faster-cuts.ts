/**
 * @file Cuts whose steps are short if memory has no limits and nothing runs again. They do not depend on the limits, so
 * what fits into less memory is also found where there is more.
 */
import type { Partition, PartitionProblem } from "../partition/problem.js";
import { SHORTER } from "./draft.js";
import { withoutLimits } from "./fit-memory.js";
import type { Fitter } from "./fitter.js";
import { halfStage, isValid, neighbours } from "./moves.js";

/** Cuts that are timed from each start, and those of all that are given. */
const MOST_DRAFTS = 150;
const MOST_GIVEN = 4;

/** A cut with the time of its step. */
export interface TimedCut extends Pick<Partition, "stageOf" | "solver"> {
  readonly makespanMs: number;
}

/** Fastest first: those that moving blocks from the starts leads to. Cost: a simulation for each cut that is timed. */
export async function fasterCuts(
  problem: PartitionProblem,
  starts: readonly Pick<Partition, "stageOf" | "solver">[],
  fitter: Fitter,
  isTimeUp: () => Promise<boolean>,
): Promise<readonly TimedCut[]> {
  const free: PartitionProblem = withoutLimits({ ...problem, recompute: [] });
  const known = new Map<string, TimedCut>();
  for (const { stageOf: start, solver } of starts) {
    const timed = (stageOf: readonly number[]): TimedCut => {
      const cut = { stageOf, solver, makespanMs: fitter.draftMs(free, stageOf, solver) };
      known.set(stageOf.join(), cut);
      return cut;
    };
    const most = known.size + MOST_DRAFTS;
    const isOver = async (): Promise<boolean> => known.size >= most || (await isTimeUp());
    let best = timed(start);
    for (let step = halfStage(problem); step >= 0 && !(await isOver());) {
      const before = best;
      for (const next of neighbours(problem, before.stageOf, step)) {
        if (known.has(next.join()) || !isValid(problem, next)) continue;
        if (await isOver()) break;
        const cut = timed(next);
        if (cut.makespanMs >= best.makespanMs * (1 - SHORTER)) continue;
        best = cut;
        break;
      }
      if (best === before) step = step === 0 ? -1 : Math.floor(step / 2);
    }
  }
  return [...known.values()].sort((a, b) => a.makespanMs - b.makespanMs).slice(0, MOST_GIVEN);
}
