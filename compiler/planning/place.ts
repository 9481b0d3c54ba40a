/** @file A candidate as a whole plan: cut, timed and linked, with the memory of its devices kept. */
import type { ClusterSpec } from "../cluster.js";
import { reordered } from "../cluster.js";
import type { CommunicationModel, Partition, PartitionProblem } from "../partition/problem.js";
import type { OptimizerSpec } from "../plan/plan.js";
import type { Schedule } from "../schedule/action.js";
import type { Candidate, PipelineOptions } from "./candidate.js";
import { scheduleFor } from "./candidate.js";
import { cutProblem } from "./cut-problem.js";
import { fitAgain, fitQuickly } from "./fit-again.js";
import { Fitter } from "./fitter.js";
import { orFixedCut } from "./fixed-cut.js";
import type { Arranged, Placed } from "./placed.js";
import type { PlanSubject } from "./subject.js";

/** What candidates are placed with. */
export interface PlaceOptions {
  readonly cluster: ClusterSpec;
  readonly pipeline: PipelineOptions;
  readonly optimizer: OptimizerSpec;
  readonly model: CommunicationModel;
  readonly seed?: number;
  /** Of a candidate of the pipeline. Left out: `scheduleFor`. */
  readonly scheduleOf?: (candidate: Candidate) => Schedule;
  /** Cuts a problem. */
  readonly partition: (problem: PartitionProblem) => Promise<Partition>;
  /** The same quickly, for further cuts to start from. Left out: there are none. */
  readonly quick?: (problem: PartitionProblem) => Promise<Partition>;
  /** Asked now and then: whether to end with what is there. */
  readonly isTimeUp: () => Promise<boolean>;
  /** Told the name of each pass as it begins. */
  readonly onPass: (pass: string) => void;
}

/** @throws PLAN_INFEASIBLE when it keeps more microbatches than allowed; USAGE for a size that the schedule cannot run. */
export function arrange(
  subject: PlanSubject,
  candidate: Candidate,
  { cluster, pipeline, model, scheduleOf }: Pick<PlaceOptions, "cluster" | "pipeline" | "model" | "scheduleOf">,
): Arranged {
  const arranged = reordered(cluster, candidate.order);
  const schedule = scheduleOf ? scheduleOf(candidate) : scheduleFor(candidate, pipeline);
  const problem = cutProblem(subject, arranged, schedule, { model, recompute: candidate.recompute });
  return { candidate, cluster: arranged, schedule, problem };
}

/**
 * The plan of a candidate that the partitioner finds. The search for an order keeps to the memory of the order that it
 * starts from, so what fits does not depend on what the search finds; undefined when none of its cuts, once linked, fits into memory.
 * @throws PLAN_INFEASIBLE for other reasons; USAGE for a size that the schedule cannot run.
 */
export async function place(
  subject: PlanSubject,
  candidate: Candidate,
  options: PlaceOptions,
): Promise<Placed | undefined> {
  options.onPass("schedule");
  const arranged = arrange(subject, candidate, options);
  const fitter = new Fitter(subject, arranged, options);
  const { problem } = arranged;
  const fit = () => (problem.recompute === "auto" ? fitAgain(problem, fitter, options) : fitter.fit(problem));
  const best = await orFixedCut(fit, { ...options, problem, fitter });
  if (!best) return undefined;
  const placed = fitter.certified(best);
  return (await options.isTimeUp()) ? placed : fitter.refined(placed);
}

/** The same from quick cuts alone, for a first plan, its order searched briefly. Requires: there are quick cuts. */
export async function placeQuickly(
  subject: PlanSubject,
  candidate: Candidate,
  { quick, ...options }: PlaceOptions & Required<Pick<PlaceOptions, "quick">>,
): Promise<Placed | undefined> {
  options.onPass("schedule");
  const arranged = arrange(subject, candidate, options);
  const fitter = new Fitter(subject, arranged, { ...options, quick, partition: quick });
  const { problem } = arranged;
  const best = problem.recompute === "auto" ? await fitQuickly(problem, fitter, options) : await fitter.fit(problem);
  return best && fitter.certified(best);
}

/** A plan that `placeQuickly` made, its order searched for longer if it is searched. Ensures: no slower, the same limits kept. */
export function refined(subject: PlanSubject, placed: Placed, options: PlaceOptions): Placed {
  return new Fitter(subject, arrange(subject, placed.candidate, options), options).refined(placed);
}
