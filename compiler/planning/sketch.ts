/** @file Candidates with quick cuts, to see which ones are worth better cuts; and the orders of devices to try at all. */
import type { ClusterSpec } from "../cluster.js";
import { reordered } from "../cluster.js";
import { workBound } from "../partition/bound.js";
import { instanceOf } from "../partition/instance.js";
import type { CommunicationModel, Partition, PartitionProblem } from "../partition/problem.js";
import type { Schedule } from "../schedule/action.js";
import type { Candidate, PipelineOptions } from "./candidate.js";
import { isSearched } from "./candidate.js";
import { deviceOrders, givenOrder, recomputations, shapes } from "./candidates.js";
import { cutProblem } from "./cut-problem.js";
import { draftOf } from "./draft.js";
import { neededBytes, withoutLimits } from "./fit-memory.js";
import { cutOfWork } from "./free-links.js";
import { isInfeasible, unlessImpossible } from "./infeasible.js";
import type { PlanSubject } from "./subject.js";

/** Rounds of swaps in the order of many devices. */
const ORDER_ROUNDS = 12;

/** A candidate with the simulated time of its quick cut. */
export interface Sketch {
  readonly candidate: Candidate;
  /** Infinity where the quick cut does not fit into memory as the partitioner counts. */
  readonly makespanMs: number;
  /** What would do where it does not fit. */
  readonly neededBytes: number;
  /** No plan of this candidate is faster. */
  readonly boundMs: number;
  /** In the quick cut, some forward pass. */
  readonly runsAgain: boolean;
}

export interface SketchOptions {
  readonly cluster: ClusterSpec;
  readonly pipeline: PipelineOptions;
  readonly model: CommunicationModel;
  /** As `scheduleFor` does for the pipeline. */
  readonly scheduleOf: (candidate: Candidate) => Schedule;
  /** Cuts a problem quickly. */
  readonly quick: (problem: PartitionProblem) => Promise<Partition>;
  /** Whether cuts of the work alone may be tried too. */
  readonly isOurs: boolean;
  /** Whether the candidates are drafted as if memory had no limits. */
  readonly isFree: boolean;
  readonly isTimeUp: () => Promise<boolean>;
  readonly onPass: (pass: string) => void;
}

/** All candidates by the simulated time of a quick cut; those that cannot be cut so quickly come last. */
export async function sketchAll(subject: PlanSubject, options: SketchOptions): Promise<readonly Sketch[]> {
  const { cluster, pipeline, isTimeUp, onPass } = options;
  const all = shapes(cluster.devices.length, subject.blocks.graph.blocks.length, pipeline);
  const again = recomputations(cluster, pipeline);
  const roomiest = again[again.length - 1]!;
  const orders = await bestOrders(cluster, isTimeUp, (order) =>
    sketch(subject, { ...all[0]!, recompute: roomiest, order }, { ...options, isFree: false }),
  );
  const candidates = all.flatMap((shape) =>
    orders.flatMap((order) => again.map((recompute): Candidate => ({ ...shape, recompute, order }))),
  );
  const sketches: Sketch[] = [];
  for (const candidate of candidates) {
    if (sketches.some(({ makespanMs }) => makespanMs < Infinity) && (await isTimeUp())) break;
    onPass("draft");
    const found = await sketch(subject, candidate, options);
    if (found) sketches.push(found);
  }
  return sketches.sort((a, b) =>
    a.makespanMs < b.makespanMs ? -1 : a.makespanMs > b.makespanMs ? 1 : a.neededBytes - b.neededBytes,
  );
}

/** Undefined for a candidate that cannot be run. */
async function sketch(
  subject: PlanSubject,
  candidate: Candidate,
  { cluster: given, pipeline, model, scheduleOf, quick, isOurs, isFree }: SketchOptions,
): Promise<Sketch | undefined> {
  const cluster = reordered(given, candidate.order);
  const schedule = unlessImpossible(() => scheduleOf(candidate));
  if (!schedule) return undefined;
  const { recompute } = candidate;
  const whole = cutProblem(subject, cluster, schedule, { model, recompute });
  const problem = isFree ? withoutLimits(whole) : whole;
  const boundMs = workBound(instanceOf(problem)) * pipeline.microbatches;
  const timing = { cluster, schedule, isSearched: isSearched(candidate) };
  try {
    const cut = await quick(problem);
    const other = isOurs ? await cutOfWork(problem, cut, quick) : undefined;
    const times = (other ? [cut, other] : [cut]).map(
      (own) => draftOf(subject, problem, own, timing).timeline.makespanMs,
    );
    return { candidate, boundMs, makespanMs: Math.min(...times), neededBytes: 0, runsAgain: cut.again.length > 0 };
  } catch (error) {
    if (!isInfeasible(error)) throw error;
    const needed = neededBytes(error) ?? Infinity;
    return { candidate, boundMs, makespanMs: Infinity, neededBytes: needed, runsAgain: recompute !== "none" };
  }
}

/**
 * The two orders whose simple schedule is fastest, since other schedules may prefer the second: of few devices the best
 * of all orders, of many where swaps lead.
 */
async function bestOrders(
  cluster: ClusterSpec,
  isTimeUp: () => Promise<boolean>,
  sketchOf: (order: readonly number[]) => Promise<Sketch | undefined>,
): Promise<readonly (readonly number[])[]> {
  let now = givenOrder(cluster);
  let nowMs = Infinity;
  const timed = new Map<string, { readonly order: readonly number[]; readonly ms: number }>();
  for (let round = 0; round < ORDER_ROUNDS; round++) {
    const orders = deviceOrders(cluster, now);
    if (orders.length === 1) return orders;
    let better: { readonly order: readonly number[]; readonly ms: number } | undefined;
    for (const order of orders) {
      if (await isTimeUp()) break;
      const ms = (await sketchOf(order))?.makespanMs ?? Infinity;
      timed.set(order.join(), { order, ms });
      if (ms < (better?.ms ?? nowMs) * (1 - 1e-9)) better = { order, ms };
    }
    if (!better) break;
    now = better.order;
    nowMs = better.ms;
  }
  timed.delete(now.join());
  const [second] = [...timed.values()].sort((a, b) => a.ms - b.ms);
  return second ? [now, second.order] : [now];
}
