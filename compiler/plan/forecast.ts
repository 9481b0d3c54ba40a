/** @file What the simulator says of a partition under a schedule. */
import type { ForwardModel } from "../partition/forward-model.js";
import type { NodeId } from "../ir/graph.js";
import type { LinkSpec, NodeCost } from "../profile/profile.js";
import type { Schedule } from "../schedule/action.js";
import type { ScheduleCosts, Transfer } from "../schedule/costs.js";
import type { Timeline } from "../schedule/simulate.js";
import type { Forecast } from "./plan.js";

/**
 * Times and transfers of the stages, per microbatch.
 * Requires: a stage for every forward node; `speeds`, by stage, 1 for the device kind that was profiled.
 */
export function stageCosts(
  model: ForwardModel,
  stageOf: ReadonlyMap<NodeId, number>,
  stages: number,
  speeds: readonly number[],
  link: LinkSpec,
): ScheduleCosts {
  const sum = (pick: (cost: NodeCost) => number): number[] => {
    const total = new Array<number>(stages).fill(0);
    for (const { id, cost } of model.nodes) total[stageOf.get(id)!]! += pick(cost) / speeds[stageOf.get(id)!]!;
    return total;
  };
  return {
    forwardMs: sum(({ forwardMs }) => forwardMs),
    inputGradMs: sum(({ inputGradMs }) => inputGradMs),
    weightGradMs: sum(({ weightGradMs }) => weightGradMs),
    transfers: transfersOf(model, stageOf, link),
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
 * No order of the same actions is faster: the first stage on a device waits for one microbatch to come down to it, all
 * work of the device follows, and its last gradient goes up to the first stage.
 */
function makespanBound({ placement, devices, microbatches }: Schedule, costs: ScheduleCosts): number {
  const { forwardMs, inputGradMs, weightGradMs } = costs;
  const prefix = (list: readonly number[], end: number): number => list.slice(0, end).reduce((sum, ms) => sum + ms, 0);
  const bounds = Array.from({ length: devices }, (_, device) => {
    const own = placement.flatMap((at, stage) => (at === device ? [stage] : []));
    const first = Math.min(...own);
    const work = own.reduce((sum, s) => sum + forwardMs[s]! + inputGradMs[s]! + weightGradMs[s]!, 0);
    return prefix(forwardMs, first) + microbatches * work + prefix(inputGradMs, first);
  });
  return Math.max(0, ...bounds);
}

/** The headline of a simulated step, with a lower bound on the makespan of any order of the same actions. */
export function forecast(schedule: Schedule, costs: ScheduleCosts, timeline: Timeline): Forecast {
  const boundMs = Math.min(timeline.makespanMs, makespanBound(schedule, costs));
  return {
    makespanMs: timeline.makespanMs,
    boundMs,
    gap: timeline.makespanMs > 0 ? (timeline.makespanMs - boundMs) / timeline.makespanMs : 0,
    bubble: timeline.bubble,
    peakActivations: timeline.peakActivations,
  };
}
