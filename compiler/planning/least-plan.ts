/** @file The last resort where no cut of the partitioner fits: the plan that needs the least memory, or what it needs. */
import { PipewrightError } from "../errors.js";
import type { DeviceSpec } from "../profile/profile.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import { steered } from "../partition/steering.js";
import type { OnAttempt } from "./attempt.js";
import { attemptOf } from "./attempt.js";
import type { Candidate } from "./candidate.js";
import { areAllOrders, deviceOrders, recomputations, shapes } from "./candidates.js";
import { Fitter } from "./fitter.js";
import { keepsLimits, withoutLimits } from "./fit-memory.js";
import { isInfeasible, isUsage, unlessImpossible, unlessInfeasible } from "./infeasible.js";
import type { LeastMemory } from "./least-memory.js";
import { leastMemory } from "./least-memory.js";
import { lessAgain } from "./less-again.js";
import type { PlaceOptions } from "./place.js";
import { arrange, place as placeCandidate } from "./place.js";
import type { Arranged, Placed } from "./placed.js";
import { linkedCut } from "./placed-cut.js";
import { polishLinked } from "./polish-linked.js";
import { memoryRefusal } from "./refusal.js";
import type { PlanSubject } from "./subject.js";

export interface LeastPlanOptions {
  readonly placing: PlaceOptions;
  /** Cuts a problem quickly. */
  readonly quick: (problem: PartitionProblem) => Promise<Partition>;
  readonly onAttempt: OnAttempt;
}

/** Limits below this multiple of a bound are tight. */
const TIGHT = 1.7;

/** What is known of the least memory of candidates. */
export interface KnownLeast {
  readonly least: LeastMemory;
  readonly arranged: readonly Arranged[];
}

/**
 * The least memory where limits are so tight that it may be more, before any candidate is placed; undefined where they
 * are not, or time is up before a plan is found that fits.
 * @throws PLAN_INFEASIBLE if no plan is found that fits, with what would do.
 */
export async function leastIfTight(
  subject: PlanSubject,
  candidates: readonly Candidate[],
  options: LeastPlanOptions,
): Promise<KnownLeast | undefined> {
  const { cluster, pipeline, isTimeUp, onPass } = options.placing;
  const limit = Math.min(...cluster.devices.map(({ memoryBytes = Infinity }) => memoryBytes));
  if (limit === Infinity) return undefined;
  onPass("least memory");
  if (await isRoomy(subject, candidates, options)) return undefined;
  const { arranged } = await arrangedOf(subject, candidates, options.placing);
  if (arranged.length === 0 || (await isTimeUp())) return undefined;
  const isWorth = (boundBytes: number): boolean => limit < boundBytes * TIGHT;
  const least = await leastOf(subject, arranged, options, isWorth);
  if (!least.found) return undefined;
  if (keeps(least.found)) return { least, arranged };
  if (await isTimeUp()) return undefined;
  throw memoryRefusal(cluster, least, pipeline);
}

/** Whether a plan that is made without regard to memory fits: of the first candidate that can be cut at all. */
async function isRoomy(
  subject: PlanSubject,
  candidates: readonly Candidate[],
  { placing, quick }: LeastPlanOptions,
): Promise<boolean> {
  const first = unlessImpossible(() => arrange(subject, candidates[0]!, placing));
  if (!first) return false;
  const problem = withoutLimits({ ...first.problem, recompute: [] });
  const cut = await unlessInfeasible(() => quick(problem));
  return cut !== undefined && keeps(linkedCut(subject, { ...first, problem }, cut, placing.optimizer));
}

/** The plan that needs the least memory, if it fits. @throws PLAN_INFEASIBLE if not, with what it needs. */
export async function leastPlan(
  subject: PlanSubject,
  candidates: readonly Candidate[],
  options: LeastPlanOptions,
  known?: KnownLeast,
): Promise<Placed> {
  const { placing, onAttempt } = options;
  placing.onPass("least memory");
  const { arranged, failure } = known
    ? { ...known, failure: undefined }
    : await arrangedOf(subject, candidates, placing);
  if (arranged.length === 0) throw failure ?? noCandidate();
  const least = known?.least ?? (await leastOf(subject, arranged, options));
  if (!least.found) throw least.failure ?? noCandidate();
  if (!keeps(least.found)) throw memoryRefusal(placing.cluster, least, placing.pipeline);
  const own = arranged.find(({ candidate }) => candidate === least.found!.candidate)!;
  const placed = await withLessAgain(least.found, new Fitter(subject, own, placing), own.problem, placing);
  onAttempt(attemptOf(placed));
  return placed;
}

function leastOf(
  subject: PlanSubject,
  arranged: readonly Arranged[],
  { placing, quick }: LeastPlanOptions,
  isWorth?: (boundBytes: number) => boolean,
): Promise<LeastMemory> {
  const { cluster, pipeline, optimizer, isTimeUp } = placing;
  const place = async (own: Arranged, belowBytes: number): Promise<Placed | undefined> => {
    const devices = limitedTo(cluster.devices, belowBytes);
    const below = { ...placing, cluster: { ...cluster, devices } };
    const placed = await unlessInfeasible(() => placeCandidate(subject, own.candidate, below));
    return placed && { ...placed, cluster: own.cluster };
  };
  const isWhole = pipeline.schedule !== "auto" || areAllOrders(cluster);
  const options = { optimizer, quick, keeps, isTimeUp, place, ...(isWorth && { isWorth }) };
  return leastMemory(subject, arranged, options, isWhole);
}

/** Limits in the same proportions, of which the smallest is below so many bytes. */
function limitedTo(devices: readonly DeviceSpec[], belowBytes: number): readonly DeviceSpec[] {
  const smallest = Math.min(...devices.map(({ memoryBytes = Infinity }) => memoryBytes));
  return devices.map((device) => {
    const { memoryBytes } = device;
    if (memoryBytes === undefined) return device;
    return { ...device, memoryBytes: Math.max(1, Math.ceil((belowBytes * memoryBytes) / smallest) - 1) };
  });
}

function keeps({ heldBytes, cluster: { devices } }: Placed): boolean {
  return keepsLimits(
    heldBytes,
    devices.map(({ memoryBytes }) => memoryBytes),
  );
}

/** Those of the candidates that can be cut at all, as far as time allows, and why the first of the others cannot. */
async function arrangedOf(
  subject: PlanSubject,
  candidates: readonly Candidate[],
  placing: PlaceOptions,
): Promise<{ readonly arranged: readonly Arranged[]; readonly failure: unknown }> {
  let failure: unknown;
  const arranged: Arranged[] = [];
  for (const candidate of candidates) {
    if (arranged.length > 0 && (await placing.isTimeUp())) break;
    try {
      const one = arrange(subject, candidate, placing);
      steered(one.problem);
      arranged.push(one);
    } catch (error) {
      if (!isInfeasible(error) && !isUsage(error)) throw error;
      failure ??= error;
    }
  }
  return { arranged, failure };
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
