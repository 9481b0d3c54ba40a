/** @file What the simulator says of a partition under a schedule. */
import { invariant } from "../errors.js";
import type { ForwardModel, ForwardNode } from "../partition/forward-model.js";
import type { NodeId } from "../ir/graph.js";
import type { LinkSpec, NodeCost } from "../profile/profile.js";
import type { Schedule } from "../schedule/action.js";
import { makespanBound } from "../schedule/bound.js";
import type { ScheduleCosts, Transfer } from "../schedule/costs.js";
import { problemOf } from "../schedule/problem.js";
import type { Timeline } from "../schedule/simulate.js";
import type { Forecast } from "./plan.js";

/** Bound and makespan add the same times in different orders; they may differ by this share. */
const ROUNDING = 1e-9;

/**
 * Times and transfers of the stages, per microbatch, and the bytes that they stash, all of them until W is done.
 * Requires: a stage for every forward node; `speeds`, by stage, 1 for the device kind that was profiled.
 */
export function stageCosts(
  model: ForwardModel,
  stageOf: ReadonlyMap<NodeId, number>,
  stages: number,
  speeds: readonly number[],
  link: LinkSpec,
): ScheduleCosts {
  const perStage = (of: (node: ForwardNode) => number): number[] => {
    const total = new Array<number>(stages).fill(0);
    for (const node of model.nodes) total[stageOf.get(node.id)!]! += of(node);
    return total;
  };
  const time = (pick: (cost: NodeCost) => number): number[] =>
    perStage(({ id, cost }) => pick(cost) / speeds[stageOf.get(id)!]!);
  const stashBytes = perStage((node) => node.stashBytes);
  return {
    forwardMs: time(({ forwardMs }) => forwardMs),
    inputGradMs: time(({ inputGradMs }) => inputGradMs),
    weightGradMs: time(({ weightGradMs }) => weightGradMs),
    transfers: transfersOf(model, stageOf, link),
    stash: { forward: stashBytes, weight: stashBytes },
  };
}

/** Bytes between each pair of stages as wire times; a tensor goes once to each stage that reads it. */
function transfersOf(
  { tensors }: ForwardModel,
  stageOf: ReadonlyMap<NodeId, number>,
  link: LinkSpec,
): readonly Transfer[] {
  const pairs = new Map<string, { from: number; to: number; forwardMs: number; gradMs: number }>();
  for (const { maker, readers, bytes, direction } of tensors) {
    const at = stageOf.get(maker)!;
    for (const reader of new Set(readers.map((node) => stageOf.get(node)!))) {
      if (reader === at) continue;
      const [from, to] = at < reader ? [at, reader] : [reader, at];
      const pair = pairs.get(`${from}-${to}`) ?? { from, to, forwardMs: 0, gradMs: 0 };
      pairs.set(`${from}-${to}`, pair);
      if (direction === "forward") pair.forwardMs += bytes / link.bytesPerMs;
      else pair.gradMs += bytes / link.bytesPerMs;
    }
  }
  return [...pairs.values()].map((pair) => ({ ...pair, latencyMs: link.latencyMs }));
}

/**
 * The headline of a simulated step, with a lower bound on the makespan of any order of the same actions.
 * Requires: `timeline` is the schedule's under these costs. One copy of the model.
 */
export function forecast(schedule: Schedule, costs: ScheduleCosts, timeline: Timeline): Forecast {
  const { makespanMs, bubble, peakActivations } = timeline;
  const boundMs = makespanBound(problemOf(schedule, costs));
  invariant(
    boundMs <= makespanMs * (1 + ROUNDING),
    `a makespan of ${makespanMs} ms is below its bound of ${boundMs} ms`,
  );
  const reached = Math.min(boundMs, makespanMs);
  const gap = makespanMs > 0 ? (makespanMs - reached) / makespanMs : 0;
  return { makespanMs, boundMs: reached, gap, bubble, peakActivations };
}
