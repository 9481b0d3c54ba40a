/** @file Plans of given cuts, with the schedule as it starts: for searches that go by the memory of linked plans. */
import { workBound } from "../partition/bound.js";
import { evaluate } from "../partition/evaluate.js";
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
  { stageOf, neededBytes }: CutPoint,
  optimizer: OptimizerSpec,
): Placed {
  const problem = needing(arranged.problem, stageOf, neededBytes);
  const cut = cutAt(problem, stageOf);
  return linkedCut(subject, { ...arranged, problem }, cut, optimizer);
}

/** The plan of a cut that is one of the candidate's problem. */
export function linkedCut(subject: PlanSubject, arranged: Arranged, cut: Partition, optimizer: OptimizerSpec): Placed {
  const { cluster, schedule, problem } = arranged;
  const draft = draftOf(subject, problem, cut, { cluster, schedule, isSearched: false });
  return linkDraft(subject, arranged, draft, optimizer);
}

/** The problem with limits that leave so much to be saved, by device. */
export function needing(
  problem: PartitionProblem,
  stageOf: readonly number[],
  neededBytes: readonly number[],
): PartitionProblem {
  if (problem.recompute !== "auto") return problem;
  const limits = new Map(
    evaluate(withoutAgain(problem), stageOf).devices.map(({ stages, peakBytes }) => {
      const device = problem.stages[stages[0]!]!.device!;
      return [device, peakBytes - neededBytes[device]!] as const;
    }),
  );
  return {
    ...problem,
    stages: problem.stages.map((stage) => ({ ...stage, memoryBytes: limits.get(stage.device!)! })),
  };
}

function withoutAgain(problem: PartitionProblem): PartitionProblem {
  const plain = { ...problem };
  delete plain.recompute;
  return plain;
}

/** A cut by its stages, with a bound that holds whatever runs again. */
export function cutAt(problem: PartitionProblem, stageOf: readonly number[]): Partition {
  const boundMs = workBound(instanceOf(problem));
  return boundedCut(problem, stageOf, { boundMs, ownBoundMs: boundMs }, "least-memory");
}
