/** @file A candidate as a whole plan: cut, timed and linked, with the memory of its devices kept. */
import type { ClusterSpec } from "../cluster.js";
import { reordered } from "../cluster.js";
import { workBound } from "../partition/bound.js";
import { certify } from "../partition/certificate.js";
import { instanceOf } from "../partition/instance.js";
import type { Certificate, CommunicationModel, Partition, PartitionProblem } from "../partition/problem.js";
import type { OptimizerSpec } from "../plan/plan.js";
import type { Candidate, PipelineOptions } from "./candidate.js";
import { scheduleFor } from "./candidate.js";
import { cutProblem } from "./cut-problem.js";
import type { Draft } from "./draft.js";
import { draftOf } from "./draft.js";
import type { Sized } from "./fit-memory.js";
import { fitMemory } from "./fit-memory.js";
import { cutOfWork } from "./free-links.js";
import { lessAgain } from "./less-again.js";
import type { Arranged, Placed } from "./placed.js";
import { countedOn, linkDraft, stepMs } from "./placed.js";
import { cutAt } from "./placed-cut.js";
import { polish } from "./polish.js";
import type { PlanSubject } from "./subject.js";

/** What candidates are placed with. */
export interface PlaceOptions {
  readonly cluster: ClusterSpec;
  readonly pipeline: PipelineOptions;
  readonly optimizer: OptimizerSpec;
  readonly model: CommunicationModel;
  readonly seed?: number;
  /** Cuts a problem. */
  readonly partition: (problem: PartitionProblem) => Promise<Partition>;
  /** The same quickly, for a second cut to start from; undefined if that finds none. Left out: there is one start. */
  readonly quick?: (problem: PartitionProblem) => Promise<Partition | undefined>;
  /** Asked now and then: whether to end with what is there. */
  readonly isTimeUp: () => Promise<boolean>;
  /** Told the name of each pass as it begins. */
  readonly onPass: (pass: string) => void;
}

/** @throws PLAN_INFEASIBLE when it keeps more microbatches than allowed; USAGE for a size that the schedule cannot run. */
export function arrange(
  subject: PlanSubject,
  candidate: Candidate,
  { cluster, pipeline, model }: Pick<PlaceOptions, "cluster" | "pipeline" | "model">,
): Arranged {
  const arranged = reordered(cluster, candidate.order);
  const schedule = scheduleFor(candidate, pipeline);
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
  const { onPass, seed } = options;
  onPass("schedule");
  const arranged = arrange(subject, candidate, options);
  const { cluster, schedule } = arranged;
  const isSearched = candidate.schedule === "search";
  const timing = { cluster, schedule, isSearched, ...(seed === undefined ? {} : { seed }) };
  let boundMs = Infinity;
  let ownBoundMs = Infinity;
  const limits = cluster.devices.map(({ memoryBytes }) => memoryBytes);
  const isLimited = limits.some((bytes) => bytes !== undefined);
  const fit = (problem: PartitionProblem, reserved?: readonly number[]): Promise<Fitting | undefined> =>
    fitMemory(problem, limits, cutAndLink, reserved);
  const sized = (problem: PartitionProblem, draft: Draft): Fitting => {
    onPass("link");
    const linked = linkDraft(subject, { ...arranged, problem }, draft, options.optimizer);
    const certificate = certify(draft.cut.certificate.bottleneckMs, boundMs, ownBoundMs);
    const placed: Placed = { ...linked, certificate };
    const countedBytes = countedOn(problem, draft.cut.stageOf, cluster);
    if (!isSearched || !isLimited) return { placed, heldBytes: placed.heldBytes, countedBytes };
    const start = draftOf(subject, problem, draft.cut, { ...timing, isSearched: false });
    const { heldBytes } = linkDraft(subject, { ...arranged, problem }, start, options.optimizer);
    const most = heldBytes.map((bytes, device) => Math.max(bytes, placed.heldBytes[device]!));
    return { placed, heldBytes: most, countedBytes };
  };
  const cutAndLink = async (problem: PartitionProblem): Promise<Fitting> => {
    onPass("partition");
    const cut = await options.partition(problem);
    const isOfAll = problem.recompute !== arranged.problem.recompute;
    const certified = isOfAll ? workCertificate(arranged.problem, cut) : cut.certificate;
    boundMs = Math.min(boundMs, certified.boundMs);
    ownBoundMs = Math.min(ownBoundMs, certified.ownBoundMs);
    const other = options.quick && (await cutOfWork(problem, cut, options.quick));
    onPass("simulate");
    let best: Draft | undefined;
    for (const start of other ? [cut, other] : [cut]) {
      const first = draftOf(subject, problem, start, timing);
      const draft = await polish(subject, problem, first, { ...timing, isTimeUp: options.isTimeUp });
      if (!best || draft.timeline.makespanMs < best.timeline.makespanMs) best = draft;
    }
    return sized(problem, best!);
  };
  const relink = async (problem: PartitionProblem, stageOf: readonly number[]): Promise<Fitting> =>
    sized(problem, draftOf(subject, problem, cutAt(problem, stageOf), timing));
  const direct = await fit(arranged.problem);
  if (arranged.problem.recompute !== "auto" || direct?.placed.draft.cut.again.length === 0) return direct?.placed;
  const fromAll = await fitFromAll(arranged.problem, limits, fit, relink);
  return faster(direct, fromAll)?.placed;
}

/** What holds for a cut whatever runs again. */
function workCertificate(problem: PartitionProblem, { certificate: { bottleneckMs } }: Partition): Certificate {
  const boundMs = Math.min(bottleneckMs, workBound(instanceOf(problem)));
  return certify(bottleneckMs, boundMs, boundMs);
}

/** The memory is that which has to fit: of the schedule as it starts, if that is more. */
interface Fitting extends Sized {
  readonly placed: Placed;
}

/**
 * All forward passes run again, then as few as the limits allow, with these stages and with those that are cut when the
 * partitioner is told what it did not count. For limits under which something runs again: what the partitioner counts of
 * that is rough.
 */
async function fitFromAll(
  problem: PartitionProblem,
  limits: readonly (number | undefined)[],
  fit: (problem: PartitionProblem, reserved?: readonly number[]) => Promise<Fitting | undefined>,
  relink: (problem: PartitionProblem, stageOf: readonly number[]) => Promise<Fitting>,
): Promise<Fitting | undefined> {
  const most = await fit({ ...problem, recompute: "all" });
  if (!most) return undefined;
  const { stageOf } = most.placed.draft.cut;
  const less = await lessAgain(problem, stageOf, limits, most, (next) => relink(next, stageOf));
  const uncounted = most.heldBytes.map((bytes, device) => bytes - most.countedBytes[device]!);
  return faster(less, await fit(problem, uncounted));
}

function faster(a: Fitting | undefined, b: Fitting | undefined): Fitting | undefined {
  return a && b ? (stepMs(b.placed) < stepMs(a.placed) ? b : a) : (a ?? b);
}
