/** @file Plans of given cuts, with the schedule as it starts: for searches that go by the memory of linked plans. */
import { workBound } from "../partition/bound.js";
import { instanceOf } from "../partition/instance.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import type { OptimizerSpec } from "../plan/plan.js";
import type { CutPoint } from "./cut-space.js";
import { boundedCut } from "./bounded-cut.js";
import { draftOf } from "./draft.js";
import type { Arranged, Placed } from "./placed.js";
import { linkDraft } from "./placed.js";
import type { PlanSubject } from "./subject.js";

/** The plan of a cut, with the schedule as it starts. */
export function placedAt(
  subject: PlanSubject,
  arranged: Arranged,
  { stageOf, again }: CutPoint,
  optimizer: OptimizerSpec,
): Placed {
  const own = arranged.problem;
  const problem = own.recompute === "auto" ? { ...own, recompute: again } : own;
  const cut = cutAt(problem, stageOf);
  return linkedCut(subject, { ...arranged, problem }, cut, optimizer);
}

/** The plan of a cut that is one of the candidate's problem. */
export function linkedCut(subject: PlanSubject, arranged: Arranged, cut: Partition, optimizer: OptimizerSpec): Placed {
  const { cluster, schedule, problem } = arranged;
  const draft = draftOf(subject, problem, cut, { cluster, schedule, isSearched: false });
  return linkDraft(subject, arranged, draft, optimizer);
}

/** A cut by its stages, with a bound that holds whatever runs again. */
export function cutAt(problem: PartitionProblem, stageOf: readonly number[]): Partition {
  const boundMs = workBound(instanceOf(problem));
  return boundedCut(problem, stageOf, { boundMs, ownBoundMs: boundMs }, "least-memory");
}
