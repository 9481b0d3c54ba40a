/**
 * @file The outer search: schedules, stages per device, placements, orders of devices and recomputation, judged by the
 * simulated step. Every candidate is drafted with a quick cut; the most promising ones are then cut with all that the
 * partitioner has, linked and held against memory, until no bound leaves room for a better one.
 */
import type { ClusterSpec } from "../cluster.js";
import { reordered } from "../cluster.js";
import { PipewrightError } from "../errors.js";
import { workBound } from "../partition/bound.js";
import { instanceOf } from "../partition/instance.js";
import { partition } from "../partition/partition.js";
import type { PartitionOptions } from "../partition/partition.js";
import type { Certificate, CommunicationModel, Partition, PartitionProblem } from "../partition/problem.js";
import { steered } from "../partition/steering.js";
import type { OptimizerSpec } from "../plan/plan.js";
import type { Candidate, PipelineOptions } from "./candidate.js";
import { scheduleFor } from "./candidate.js";
import { areAllOrders, deviceOrders, givenOrder, recomputations, shapes } from "./candidates.js";
import { cutProblem } from "./cut-problem.js";
import { draftOf } from "./draft.js";
import { neededBytes } from "./fit-memory.js";
import { cutOfWork } from "./free-links.js";
import { Fitter } from "./fitter.js";
import { isInfeasible, unlessInfeasible } from "./infeasible.js";
import { leastMemory } from "./least-memory.js";
import { lessAgain } from "./less-again.js";
import type { PlaceOptions } from "./place.js";
import { arrange, place } from "./place.js";
import type { Placed } from "./placed.js";
import { stepMs } from "./placed.js";
import { memoryRefusal } from "./refusal.js";
import type { PlanSubject } from "./subject.js";

/** What became of a candidate. "pruned": its bound or its draft rules it out. */
export interface Attempt {
  readonly candidate: Candidate;
  readonly status: Certificate["status"] | "infeasible" | "pruned";
  readonly makespanMs?: number;
  readonly placed?: Placed;
}

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

/** Plans that are made of candidates with everything the partitioner has, and candidates that fail after the first one. */
const MOST_PLACED = 4;
const MOST_FAILED = 8;
/** Of candidates no quick cut of which fits. */
const MOST_UNLIKELY = 6;
/** A draft that takes longer than the best plan by this share is not worth a better cut. */
const HOPE = 0.25;
/** Rounds of swaps in the order of many devices. */
const ORDER_ROUNDS = 12;

/** A candidate with the simulated time of its quick cut. */
interface Sketch {
  readonly candidate: Candidate;
  /** Infinity where the quick cut does not fit into memory. */
  readonly makespanMs: number;
  /** What would do where it does not. */
  readonly neededBytes: number;
  /** No plan of this candidate is faster. */
  readonly boundMs: number;
  /** In the quick cut, some forward pass. */
  readonly runsAgain: boolean;
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
  const isAuto = pipeline.schedule === "auto";
  const placing: PlaceOptions = {
    ...options,
    model: options.partition.model,
    partition: (problem) => (isAuto && isShared(problem) ? quick : cutter).cut(problem),
    ...(isOurs(options) ? { quick: (problem) => quick.cut(problem) } : {}),
    isTimeUp,
  };
  if (!isAuto) {
    const { schedule, stagesPerDevice, recompute = "none" } = pipeline;
    const only = { schedule, ...(stagesPerDevice === undefined ? {} : { stagesPerDevice }), recompute };
    const candidate: Candidate = { ...only, order: givenOrder(cluster) };
    const placed = await placeNoted(subject, candidate, placing, options);
    return placed ?? leastPlan(subject, [candidate], placing, options, quick);
  }
  const sketches = await sketchAll(subject, options, quick, isTimeUp);
  let best: Placed | undefined;
  let failure: unknown;
  let count = 0;
  let failed = 0;
  let unlikely = 0;
  const fitting = new Set<string>();
  for (const sketch of sketches) {
    const { candidate, makespanMs, boundMs } = sketch;
    const rest = best && stepMs(best) - best.updateMs;
    const isHopeless = rest !== undefined && (boundMs >= rest || makespanMs > rest * (1 + HOPE));
    const isKnown = !sketch.runsAgain && fitting.has(shapeOf(candidate));
    if (makespanMs === Infinity) unlikely++;
    const isEnough = count >= MOST_PLACED || failed >= MOST_FAILED;
    if (isHopeless || isKnown || unlikely > MOST_UNLIKELY || (best && (isEnough || (await isTimeUp())))) {
      options.onAttempt({ candidate, status: "pruned", makespanMs });
      continue;
    }
    const placed = await unlessInfeasible(
      () => placeNoted(subject, candidate, placing, options),
      (error) => (failure = error),
    );
    if (!placed) {
      if (best) failed++;
      continue;
    }
    count++;
    if (!sketch.runsAgain) fitting.add(shapeOf(candidate));
    if (best === undefined || stepMs(placed) < stepMs(best)) best = placed;
  }
  if (best) return best;
  if (sketches.length === 0) throw noCandidate();
  if (failure !== undefined && cluster.devices.every(({ memoryBytes }) => memoryBytes === undefined)) throw failure;
  return leastPlan(subject, allCandidates(subject, options), placing, options, quick);
}

/** The plan that needs the least memory, if it fits. @throws PLAN_INFEASIBLE if not, with what it needs. */
async function leastPlan(
  subject: PlanSubject,
  candidates: readonly Candidate[],
  placing: PlaceOptions,
  { cluster, pipeline, optimizer, onPass, onAttempt }: PlanSearchOptions,
  quick: Cutter,
): Promise<Placed> {
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
  const options = {
    optimizer,
    quick: (problem: PartitionProblem) => quick.cut(problem),
    fits,
    isTimeUp: placing.isTimeUp,
  };
  const least = await leastMemory(subject, arranged, options, isWhole);
  if (!least.found) throw least.failure ?? noCandidate();
  if (!fits(least.found)) throw memoryRefusal(cluster, least, pipeline);
  const own = arranged.find(({ candidate }) => candidate === least.found!.candidate)!;
  const placed = await withLessAgain(least.found, new Fitter(subject, own, placing), own.problem, placing);
  const { candidate, certificate, draft } = placed;
  onAttempt({ candidate, status: certificate.status, makespanMs: draft.timeline.makespanMs, placed });
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
  const less = await lessAgain(stageOf, solver, { fitter, problem, isTimeUp });
  return less && stepMs(less.placed) < stepMs(found) ? fitter.certified(less) : fitter.told(found);
}

/** With as much running again as the request allows, which leaves no need for less. */
function allCandidates(
  { blocks }: PlanSubject,
  { cluster, pipeline }: Pick<PlanSearchOptions, "cluster" | "pipeline">,
): readonly Candidate[] {
  const recompute = recomputations(cluster, pipeline).at(-1)!;
  return shapes(cluster.devices.length, blocks.graph.blocks.length, pipeline).flatMap((shape) =>
    deviceOrders(cluster).map((order): Candidate => ({ ...shape, recompute, order })),
  );
}

async function placeNoted(
  subject: PlanSubject,
  candidate: Candidate,
  placing: PlaceOptions,
  { onAttempt }: PlanSearchOptions,
): Promise<Placed | undefined> {
  try {
    const placed = await place(subject, candidate, placing);
    if (!placed) {
      onAttempt({ candidate, status: "infeasible" });
      return undefined;
    }
    const { status } = placed.certificate;
    onAttempt({ candidate, status, makespanMs: placed.draft.timeline.makespanMs, placed });
    return placed;
  } catch (error) {
    if (isInfeasible(error)) onAttempt({ candidate, status: "infeasible" });
    throw error;
  }
}

/** All candidates by the simulated time of a quick cut; those that cannot be cut so quickly come last. */
async function sketchAll(
  subject: PlanSubject,
  options: PlanSearchOptions,
  quick: Cutter,
  isTimeUp: () => Promise<boolean>,
): Promise<readonly Sketch[]> {
  const { cluster, pipeline } = options;
  const sketch = async (candidate: Candidate): Promise<Sketch | undefined> => {
    const arranged = reordered(cluster, candidate.order);
    const schedule = ifPossible(() => scheduleFor(candidate, pipeline));
    if (!schedule) return undefined;
    const { recompute } = candidate;
    const problem = cutProblem(subject, arranged, schedule, { model: options.partition.model, recompute });
    const boundMs = workBound(instanceOf(problem)) * pipeline.microbatches;
    try {
      const cut = await quick.cut(problem);
      const timing = { cluster: arranged, schedule, isSearched: candidate.schedule === "search" };
      const other = isOurs(options) ? await cutOfWork(problem, cut, (next) => quick.cut(next)) : undefined;
      const times = (other ? [cut, other] : [cut]).map(
        (own) => draftOf(subject, problem, own, timing).timeline.makespanMs,
      );
      return { candidate, boundMs, makespanMs: Math.min(...times), neededBytes: 0, runsAgain: cut.again.length > 0 };
    } catch (error) {
      if (!isInfeasible(error)) throw error;
      const needed = neededBytes(error) ?? Infinity;
      return { candidate, boundMs, makespanMs: Infinity, neededBytes: needed, runsAgain: recompute !== "none" };
    }
  };
  const all = shapes(cluster.devices.length, subject.blocks.graph.blocks.length, pipeline);
  const again = recomputations(cluster, pipeline);
  const roomiest = again[again.length - 1]!;
  const orders = await bestOrders(cluster, isTimeUp, (order) => sketch({ ...all[0]!, recompute: roomiest, order }));
  const candidates = all.flatMap((shape) =>
    orders.flatMap((order) => again.map((recompute): Candidate => ({ ...shape, recompute, order }))),
  );
  const sketches: Sketch[] = [];
  for (const candidate of candidates) {
    if (sketches.some(({ makespanMs }) => makespanMs < Infinity) && (await isTimeUp())) break;
    options.onPass("draft");
    const found = await sketch(candidate);
    if (found) sketches.push(found);
  }
  return sketches.sort((a, b) =>
    a.makespanMs < b.makespanMs ? -1 : a.makespanMs > b.makespanMs ? 1 : a.neededBytes - b.neededBytes,
  );
}

/** The same for candidates that differ in what runs again alone. */
function shapeOf({ schedule, stagesPerDevice, order }: Candidate): string {
  return JSON.stringify([schedule, stagesPerDevice, order]);
}

/** The orders whose simple schedule is fastest: of few devices the best of all orders, of many where swaps lead. */
async function bestOrders(
  cluster: ClusterSpec,
  isTimeUp: () => Promise<boolean>,
  sketch: (order: readonly number[]) => Promise<Sketch | undefined>,
): Promise<readonly (readonly number[])[]> {
  let now = givenOrder(cluster);
  let nowMs = Infinity;
  for (let round = 0; round < ORDER_ROUNDS; round++) {
    const orders = deviceOrders(cluster, now);
    if (orders.length === 1) return orders;
    let better: { readonly order: readonly number[]; readonly ms: number } | undefined;
    for (const order of orders) {
      if (await isTimeUp()) break;
      const ms = (await sketch(order))?.makespanMs ?? Infinity;
      if (ms < (better?.ms ?? nowMs) * (1 - 1e-9)) better = { order, ms };
    }
    if (!better) break;
    now = better.order;
    nowMs = better.ms;
  }
  const given = givenOrder(cluster);
  return now.every((device, at) => device === given[at]) ? [now] : [now, given];
}

/** Cuts problems, equal ones once, within one time limit for all. */
class Cutter {
  readonly #options: PartitionOptions;
  readonly #startMs: number;
  readonly #known = new Map<string, Promise<Partition>>();

  constructor(options: PartitionOptions) {
    this.#options = options;
    this.#startMs = options.nowMs?.() ?? 0;
  }

  isTimeUp(): boolean {
    return this.#options.cancelled?.() === true || this.#leftMs() <= 0;
  }

  cut(problem: PartitionProblem): Promise<Partition> {
    const { stages, model, link, recompute = "none" } = problem;
    const isLimited = stages.some(({ memoryBytes }) => memoryBytes !== undefined);
    const told = isLimited ? stages : stages.map((stage) => ({ ...stage, inFlight: 0 }));
    const key = JSON.stringify([told, model, link, recompute]);
    let known = this.#known.get(key);
    if (!known) {
      const { timeLimitMs, nowMs } = this.#options;
      const limit = timeLimitMs === undefined || !nowMs ? {} : { timeLimitMs: Math.max(1, this.#leftMs() / 2) };
      known = partition(problem, { ...this.#options, ...limit });
      known.catch(() => undefined);
      this.#known.set(key, known);
    }
    return known;
  }

  #leftMs(): number {
    const { timeLimitMs, nowMs } = this.#options;
    return timeLimitMs === undefined || !nowMs ? Infinity : timeLimitMs - (nowMs() - this.#startMs);
  }
}

/** Whether the partitioner may choose how it cuts. */
function isOurs({ partition: { method = "auto" } }: PlanSearchOptions): boolean {
  return method === "auto";
}

/** Programmes of stages that share devices take minutes where the search has seconds: the step's own descent serves it better. */
function isShared({ stages }: PartitionProblem): boolean {
  return new Set(stages.map(({ device }) => device)).size < stages.length;
}

function ifPossible<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (isUsage(error) || isInfeasible(error)) return undefined;
    throw error;
  }
}

function isUsage(error: unknown): boolean {
  return error instanceof PipewrightError && error.code === "USAGE";
}

function noCandidate(): PipewrightError {
  return new PipewrightError(
    "USAGE",
    "--schedule auto: no schedule runs with these numbers of devices, stages and microbatches. Change one of them.",
  );
}
