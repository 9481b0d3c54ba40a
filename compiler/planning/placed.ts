/** @file A plan of a candidate as the search knows it: a draft that is linked, with what its devices hold. */
import { withCopies } from "../autodiff/copies.js";
import type { ClusterSpec } from "../cluster.js";
import { elementCount } from "../ir/literal.js";
import { OPS } from "../ops/registry.js";
import { evaluate } from "../partition/evaluate.js";
import type { Certificate, PartitionProblem } from "../partition/problem.js";
import type { Linked } from "../plan/link.js";
import { link } from "../plan/link.js";
import type { OptimizerSpec } from "../plan/plan.js";
import type { Schedule } from "../schedule/action.js";
import { stagesPerReplica } from "../schedule/action.js";
import { linearize } from "../schedule/linearize.js";
import type { Candidate } from "./candidate.js";
import type { Draft } from "./draft.js";
import type { PlanSubject } from "./subject.js";
import { overheadsOn } from "./subject.js";

/** A candidate that is ready to be cut. */
export interface Arranged {
  readonly candidate: Candidate;
  /** Devices in the order of the pipeline. */
  readonly cluster: ClusterSpec;
  readonly schedule: Schedule;
  readonly problem: PartitionProblem;
}

export interface Placed {
  readonly candidate: Candidate;
  /** Devices in the order of the pipeline. */
  readonly cluster: ClusterSpec;
  readonly problem: PartitionProblem;
  readonly draft: Draft;
  readonly certificate: Certificate;
  readonly linked: Linked;
  /** Most bytes that each device holds. */
  readonly heldBytes: readonly number[];
  readonly updateMs: number;
}

/** From begin of a step to the end of its update. */
export function stepMs({ draft, updateMs }: Pick<Placed, "draft" | "updateMs">): number {
  return draft.timeline.makespanMs + updateMs;
}

/** A draft as a plan. */
export function linkDraft(
  subject: PlanSubject,
  { candidate, cluster, schedule, problem }: Arranged,
  draft: Draft,
  optimizer: OptimizerSpec,
): Placed {
  const { differentiated, runAgain } = draft.recomputed;
  const copied = withCopies(differentiated, schedule.replicas ?? 1);
  const linked = link(copied.differentiated, {
    ops: OPS,
    schedule: draft.schedule,
    order: linearize(draft.schedule, draft.timeline),
    stageOf: copied.spread(draft.stageOf, (part, copy) => part + copy * stagesPerReplica(schedule)),
    costs: copied.spread(draft.costs[0]!, (_, copy, node) => draft.costs[copy]!.get(node)!),
    runAgain: copied.spread(runAgain, (phase) => phase),
    optimizer,
    groups: subject.groups,
    results: subject.training.results.map((result) => ({
      ...result,
      copies: copied.valuesOf(result.value).slice(1),
    })),
    batchAxes: subject.batchAxes,
  });
  const { certificate } = draft.cut;
  const { heldBytes } = linked;
  return {
    candidate,
    cluster,
    problem,
    draft,
    certificate,
    linked,
    heldBytes,
    updateMs: updateMs(subject, cluster, linked),
  };
}

/** Of the device that takes longest. */
function updateMs(subject: PlanSubject, { devices }: ClusterSpec, { parts }: Linked): number {
  const ms = devices.map((device, index) => {
    const own = parts.parameters.filter(({ stage, trainable }) => trainable && parts.stages[stage]!.device === index);
    const elements = own.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    return elements * overheadsOn(subject, device).updateMsPerElement;
  });
  return Math.max(...ms);
}

/** Bytes by device as the partitioner counts them; `holders`, by stage: the device of each copy of the model. */
export function countedOn(
  problem: PartitionProblem,
  stageOf: ArrayLike<number>,
  holders: readonly (readonly number[])[],
  devices: number,
): readonly number[] {
  const counted = new Array<number>(devices).fill(0);
  evaluate(problem, stageOf).stages.forEach(({ peakBytes }, stage) => {
    for (const device of holders[stage]!) counted[device]! += peakBytes;
  });
  return counted;
}
