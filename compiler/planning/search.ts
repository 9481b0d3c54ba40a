/**
 * @file The search for a plan: of one candidate, or the outer search over schedules, stages per device, placements,
 * orders of devices and recomputation, judged by the simulated step. Every candidate is drafted with a quick cut; the few
 * most promising ones that no bound rules out are then cut with all that the partitioner has, linked and held against
 * memory.
 */
import type { ClusterSpec } from "../cluster.js";
import type { PartitionOptions } from "../partition/partition.js";
import type { CommunicationModel, PartitionProblem } from "../partition/problem.js";
import type { OptimizerSpec } from "../plan/plan.js";
import type { Attempt } from "./attempt.js";
import { placeNoted } from "./attempt.js";
import { isLinkedFirst, searchAll } from "./auto-search.js";
import type { Candidate, PipelineOptions } from "./candidate.js";
import { schedulesOf } from "./candidate.js";
import { givenOrder } from "./candidates.js";
import { Cutter } from "./cutter.js";
import type { KnownLeast, LeastPlanOptions } from "./least-plan.js";
import { allCandidates, leastIfTight, leastPlan, noCandidate } from "./least-plan.js";
import type { PlaceOptions } from "./place.js";
import type { Placed } from "./placed.js";
import { stepMs } from "./placed.js";
import { sketchAll } from "./sketch.js";
import type { PlanSubject } from "./subject.js";

export interface PlanSearchOptions {
  readonly cluster: ClusterSpec;
  readonly pipeline: PipelineOptions;
  readonly optimizer: OptimizerSpec;
  readonly partition: PartitionOptions & { readonly model: CommunicationModel };
  /** Of everything that is random. */
  readonly seed?: number;
  readonly onPass: (pass: string) => void;
  readonly onAttempt: (attempt: Attempt) => void;
}

/**
 * The best plan found. Without a time limit the same subject, options and seed give the same plan.
 * @throws PLAN_INFEASIBLE when no candidate fits into memory, with the smallest limit under which one would.
 */
export async function searchPlan(subject: PlanSubject, options: PlanSearchOptions): Promise<Placed> {
  const { pipeline, cluster } = options;
  const cutter = new Cutter(options.partition);
  const { pause = async () => undefined, onIncumbent = () => undefined } = options.partition;
  const isTimeUp = async (): Promise<boolean> => {
    await pause();
    return cutter.isTimeUp();
  };
  const quick = new Cutter({ method: "slicing", solver: undefined, pause, onIncumbent });
  const scheduleOf = schedulesOf(pipeline);
  const isAuto = pipeline.schedule === "auto";
  const placing: PlaceOptions = {
    ...options,
    model: options.partition.model,
    scheduleOf,
    partition: (problem) => (isAuto && isShared(problem) ? quick : cutter).cut(problem),
    ...(isOurs(options) ? { quick: (problem) => quick.cut(problem) } : {}),
    isTimeUp,
  };
  const { onPass, onAttempt } = options;
  const least: LeastPlanOptions = { placing, quick: (problem) => quick.cut(problem), onAttempt };
  if (!isAuto) {
    const { schedule, stagesPerDevice, recompute = "none" } = pipeline;
    const only = { schedule, ...(stagesPerDevice === undefined ? {} : { stagesPerDevice }), recompute };
    const candidate: Candidate = { ...only, order: givenOrder(cluster) };
    const known = isOurs(options) ? await leastIfTight(subject, [candidate], least) : undefined;
    const placed = await placeNoted(subject, candidate, placing, onAttempt);
    return placed && !isSlower(placed, known) ? placed : leastPlan(subject, [candidate], least, known);
  }
  const all = allCandidates(subject, options);
  const known = isOurs(options) ? await leastIfTight(subject, all, least) : undefined;
  const { model } = options.partition;
  const sketches = await sketchAll(subject, {
    cluster,
    pipeline,
    model,
    scheduleOf,
    quick: least.quick,
    isOurs: isOurs(options),
    isFree: isLinkedFirst(placing),
    isTimeUp,
    onPass,
  });
  const { best, failure } = await searchAll(subject, sketches, placing, onAttempt);
  if (best && !isSlower(best, known)) return best;
  if (sketches.length === 0) throw noCandidate();
  if (!best && failure !== undefined && cluster.devices.every(({ memoryBytes }) => memoryBytes === undefined))
    throw failure;
  return leastPlan(subject, all, least, known);
}

/** Than the plan that needs least memory: when time is up soon, that may be the best there is. */
function isSlower(placed: Placed, known: KnownLeast | undefined): boolean {
  return known?.least.found !== undefined && stepMs(known.least.found) < stepMs(placed);
}

/** Whether the partitioner may choose how it cuts. */
function isOurs({ partition: { method = "auto" } }: PlanSearchOptions): boolean {
  return method === "auto";
}

/** Programmes of stages that share devices take minutes where the search has seconds: the step's own descent serves it better. */
function isShared({ stages }: PartitionProblem): boolean {
  return new Set(stages.map(({ device }) => device)).size < stages.length;
}
