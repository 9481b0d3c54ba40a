/** @file The last resort where no cut of the partitioner fits: the plan that needs the least memory, or what it needs. */
import { PipewrightError } from "../errors.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import { steered } from "../partition/steering.js";
import type { OnAttempt } from "./attempt.js";
import { attemptOf } from "./attempt.js";
import type { Candidate } from "./candidate.js";
import { areAllOrders, deviceOrders, recomputations, shapes } from "./candidates.js";
import { Fitter } from "./fitter.js";
import { isInfeasible, isUsage } from "./infeasible.js";
import { leastMemory } from "./least-memory.js";
import { lessAgain } from "./less-again.js";
import type { PlaceOptions } from "./place.js";
import { arrange } from "./place.js";
import type { Placed } from "./placed.js";
import { polishLinked } from "./polish-linked.js";
import { memoryRefusal } from "./refusal.js";
import type { PlanSubject } from "./subject.js";

export interface LeastPlanOptions {
  readonly placing: PlaceOptions;
  /** Cuts a problem quickly. */
  readonly quick: (problem: PartitionProblem) => Promise<Partition>;
  readonly onAttempt: OnAttempt;
}

/** The plan that needs the least memory, if it fits. @throws PLAN_INFEASIBLE if not, with what it needs. */
export async function leastPlan(
  subject: PlanSubject,
  candidates: readonly Candidate[],
  { placing, quick, onAttempt }: LeastPlanOptions,
): Promise<Placed> {
  const { cluster, pipeline, optimizer, onPass, isTimeUp } = placing;
  onPass("least memory");
  let failure: unknown;
  const arranged = candidates.flatMap((candidate) => {
    try {
      const one = arrange(subject, candidate, placing);
      steered(one.problem);
      return [one];
    } catch (error) {
      if (!isInfeasible(error) && !isUsage(error)) throw error;
      failure ??= error;
      return [];
    }
  });
  if (arranged.length === 0) throw failure ?? noCandidate();
  const isWhole = pipeline.schedule !== "auto" || areAllOrders(cluster);
  const fits = ({ heldBytes, cluster: { devices } }: Placed): boolean =>
    heldBytes.every((bytes, device) => bytes <= (devices[device]!.memoryBytes ?? Infinity));
  const least = await leastMemory(subject, arranged, { optimizer, quick, fits, isTimeUp }, isWhole);
  if (!least.found) throw least.failure ?? noCandidate();
  if (!fits(least.found)) throw memoryRefusal(cluster, least, pipeline);
  const own = arranged.find(({ candidate }) => candidate === least.found!.candidate)!;
  const placed = await withLessAgain(least.found, new Fitter(subject, own, placing), own.problem, placing);
  onAttempt(attemptOf(placed));
  return placed;
}

/** A plan that was found by its memory, with as few forward passes running again as fit. */
async function withLessAgain(
  found: Placed,
  fitter: Fitter,
  problem: PartitionProblem,
  { isTimeUp }: PlaceOptions,
): Promise<Placed> {
  const { stageOf, again, solver } = found.draft.cut;
  if (problem.recompute !== "auto" || again.length === 0) return fitter.told(found);
  const belowMs = found.draft.timeline.makespanMs;
  const less = await lessAgain(stageOf, solver, { fitter, problem, isTimeUp, belowMs });
  return less ? fitter.certified(await polishLinked(problem, less, fitter, isTimeUp)) : fitter.told(found);
}

/** With as much running again as the request allows, which leaves no need for less. */
export function allCandidates(
  { blocks }: PlanSubject,
  { cluster, pipeline }: Pick<PlaceOptions, "cluster" | "pipeline">,
): readonly Candidate[] {
  const recompute = recomputations(cluster, pipeline).at(-1)!;
  return shapes(cluster.devices.length, blocks.graph.blocks.length, pipeline).flatMap((shape) =>
    deviceOrders(cluster).map((order): Candidate => ({ ...shape, recompute, order })),
  );
}

export function noCandidate(): PipewrightError {
  return new PipewrightError(
    "USAGE",
    "--schedule auto: no schedule runs with these numbers of devices, stages and microbatches. Change one of them.",
  );
}
