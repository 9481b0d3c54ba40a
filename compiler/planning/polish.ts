/**
 * @file The last touch on a cut, by the step time itself: the partitioner balances loads, but a step also waits for the
 * first and the last microbatch, and messages overlap with work. Blocks at the ends of stages move to the next stage as
 * long as the simulated step becomes shorter.
 */
import { violations } from "../partition/evaluate.js";
import type { PartitionProblem } from "../partition/problem.js";
import { boundedCut } from "./bounded-cut.js";
import type { Draft, DraftOptions } from "./draft.js";
import { draftOf, SHORTER } from "./draft.js";
import { endMoves } from "./moves.js";
import type { PlanSubject } from "./subject.js";

/** Moves that are timed at most: steps of large schedules take longer to simulate, so it is actions that count. */
const MOST_ACTIONS = 400_000;
const MOST_MOVES = 300;

/**
 * Requires: `draft` is of a partition of `problem`. Ensures: a draft of a valid partition, no slower.
 * Cost: a simulation and an evaluation per move, a bounded number of them.
 */
export async function polish(
  subject: PlanSubject,
  problem: PartitionProblem,
  draft: Draft,
  options: DraftOptions & { readonly isTimeUp: () => Promise<boolean> },
): Promise<Draft> {
  if (options.isSearched || problem.stages.length === 1) return draft;
  const actions = options.schedule.rows.reduce((sum, row) => sum + row.length, 0);
  let moves = Math.min(MOST_MOVES, Math.floor(MOST_ACTIONS / Math.max(actions, problem.graph.blocks.length)));
  let best = draft;
  for (let isBetter = true; isBetter;) {
    isBetter = false;
    for (const [block, stage] of endMoves(problem, best.cut.stageOf)) {
      if (moves <= 0 || (await options.isTimeUp())) return best;
      if (best.cut.stageOf[block] === stage) continue;
      const stageOf = [...best.cut.stageOf];
      stageOf[block] = stage;
      if (violations(problem, stageOf).length > 0) continue;
      moves--;
      const { certificate, solver } = best.cut;
      const next = draftOf(subject, problem, boundedCut(problem, stageOf, certificate, solver), options);
      if (next.timeline.makespanMs >= best.timeline.makespanMs * (1 - SHORTER)) continue;
      best = next;
      isBetter = true;
    }
  }
  return best;
}
