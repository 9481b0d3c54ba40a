/** @file Why a plan is as fast as it is, and what would make it faster: for reports. Quick cuts, so figures are estimates. */
import type { ClusterSpec } from "../cluster.js";
import { PipewrightError } from "../errors.js";
import { evaluate, violations } from "../partition/evaluate.js";
import { partition } from "../partition/partition.js";
import type { PartitionProblem } from "../partition/problem.js";
import { computeMs } from "../compute-ms.js";
import type { PipelineOptions } from "./candidate.js";
import { isSearched, scheduleFor } from "./candidate.js";
import { cutProblem } from "./cut-problem.js";
import { draftOf } from "./draft.js";
import { endMoves } from "./moves.js";
import type { Placed } from "./placed.js";
import type { PlanSubject } from "./subject.js";

/** Tensors cut between two stages that one block makes. */
export interface CutTensors {
  /** The block that makes them. */
  readonly block: string;
  readonly fromStage: number;
  readonly toStages: readonly number[];
  /** Per microbatch, both ways. */
  readonly bytes: number;
}

/** A block of the bottleneck at an end of its stage, moved to the next stage on that side. */
export interface Move {
  readonly block: string;
  readonly ms: number;
  readonly toStage: number;
  /** The largest load afterwards, per microbatch. */
  readonly bottleneckMs: number;
}

export interface Why {
  /** The device with the largest load per microbatch. */
  readonly bottleneck: {
    readonly device: string;
    readonly stages: readonly number[];
    readonly computeMs: number;
    readonly communicationMs: number;
  };
  /** The block of the bottleneck that takes longest: a finer balance has to divide or move it. */
  readonly block: { readonly name: string; readonly ms: number };
  /** What unloads the bottleneck best by one block; if another load then is larger still, that block blocks a better balance. */
  readonly move?: Move;
  /** Largest first. */
  readonly cuts: readonly CutTensors[];
  /** Simulated step of this schedule on other clusters; left out where it cannot be made. */
  readonly stepMs: {
    readonly now: number;
    readonly oneMoreDevice?: number;
    readonly linksTwiceAsFast?: number;
    /** Left out when memory is not limited. */
    readonly memoryWithoutLimit?: number;
  };
}

/**
 * What other clusters would bring is estimated by the ratio of quick cuts on them and here. Cost: four slicings and
 * simulations. Requires: `placed` is a plan of the subject under these options.
 */
export async function whyOf(subject: PlanSubject, placed: Placed, pipeline: PipelineOptions): Promise<Why> {
  const { problem, draft, cluster } = placed;
  const { stageOf } = draft.cut;
  const { devices, stages, cuts } = evaluate(problem, stageOf);
  const slowest = devices.reduce((most, device) => (device.loadMs > most.loadMs ? device : most));
  const { blocks, nets } = problem.graph;
  const heaviest = blocks
    .filter(({ index }) => slowest.stages.includes(stageOf[index]!))
    .reduce((most, block) => (computeMs(block) > computeMs(most) ? block : most));
  const move = bestMove(problem, stageOf, slowest.stages);
  const [first] = slowest.stages;
  const sum = (pick: "computeMs" | "communicationMs"): number =>
    slowest.stages.reduce((total, stage) => total + stages[stage]![pick], 0);
  const now = draft.timeline.makespanMs;
  const kept = withLimitsOf(placed);
  const [last] = kept.devices.slice(-1);
  const more = { ...kept, devices: [...kept.devices, { ...last!, name: `${last!.name}+` }] };
  const isLimited = cluster.devices.some(({ memoryBytes }) => memoryBytes !== undefined);
  const quickMs = (await stepMsOn(subject, placed, kept, pipeline)) ?? now;
  const stepOn = async (other: ClusterSpec): Promise<number | undefined> => {
    const ms = await stepMsOn(subject, placed, other, pipeline);
    return ms === undefined ? undefined : now * (ms / quickMs);
  };
  const [oneMoreDevice, linksTwiceAsFast, memoryWithoutLimit] = [
    await stepOn(more),
    await stepOn(fasterLinks(kept)),
    isLimited ? await stepOn(withUnlimitedMemory(cluster)) : undefined,
  ];
  return {
    bottleneck: {
      device: cluster.devices[problem.stages[first!]!.device!]!.name,
      stages: slowest.stages,
      computeMs: sum("computeMs"),
      communicationMs: sum("communicationMs"),
    },
    block: { name: heaviest.name, ms: computeMs(heaviest) / problem.stages[stageOf[heaviest.index]!]!.speed },
    ...(move && { move }),
    cuts: cuts
      .map(({ net, fromStage, toStages }) => ({
        block: blocks[nets[net]!.producer]!.name,
        fromStage,
        toStages,
        bytes: nets[net]!.forwardBytes + nets[net]!.gradBytes,
      }))
      .filter(({ bytes }) => bytes > 0)
      .sort((a, b) => b.bytes - a.bytes),
    stepMs: {
      now,
      ...(oneMoreDevice === undefined ? {} : { oneMoreDevice }),
      ...(linksTwiceAsFast === undefined ? {} : { linksTwiceAsFast: Math.min(now, linksTwiceAsFast) }),
      ...(memoryWithoutLimit === undefined ? {} : { memoryWithoutLimit: Math.min(now, memoryWithoutLimit) }),
    },
  };
}

function bestMove(
  problem: PartitionProblem,
  stageOf: readonly number[],
  fromStages: readonly number[],
): Move | undefined {
  const { blocks } = problem.graph;
  let best: Move | undefined;
  for (const [block, toStage] of endMoves(problem, stageOf)) {
    const stage = stageOf[block]!;
    if (!fromStages.includes(stage) || fromStages.includes(toStage)) continue;
    const moved = stageOf.with(block, toStage);
    if (violations(problem, moved).length > 0) continue;
    const { bottleneckMs } = evaluate(problem, moved);
    if (best && bottleneckMs >= best.bottleneckMs) continue;
    best = {
      block: blocks[block]!.name,
      ms: computeMs(blocks[block]!) / problem.stages[stage]!.speed,
      toStage,
      bottleneckMs,
    };
  }
  return best;
}

/** The simulated step of the plan's schedule on another cluster; undefined where none can be made. */
async function stepMsOn(
  subject: PlanSubject,
  { candidate, problem: { model } }: Placed,
  cluster: ClusterSpec,
  pipeline: PipelineOptions,
): Promise<number | undefined> {
  const order = cluster.devices.map((_, device) => device);
  try {
    const schedule = scheduleFor({ ...candidate, order }, pipeline);
    const whole = cutProblem(subject, cluster, schedule, { model, recompute: candidate.recompute });
    const problem: PartitionProblem = { ...whole, steering: {} };
    const cut = await partition(problem, { method: "slicing", solver: undefined });
    const timing = { cluster, schedule, isSearched: isSearched(candidate) };
    return draftOf(subject, problem, cut, timing).timeline.makespanMs;
  } catch (error) {
    if (error instanceof PipewrightError && ["USAGE", "PLAN_INFEASIBLE"].includes(error.code)) return undefined;
    throw error;
  }
}

function fasterLinks({ link, links, ...rest }: ClusterSpec): ClusterSpec {
  const twice = <T extends ClusterSpec["link"]>(own: T): T => ({
    ...own,
    bytesPerMs: 2 * own.bytesPerMs,
    latencyMs: own.latencyMs / 2,
  });
  return { ...rest, link: twice(link), ...(links && { links: links.map(twice) }) };
}

/** The cluster with the limits that the plan was cut under: what a plan holds besides its cut is taken off. */
function withLimitsOf({ cluster, problem, draft }: Placed): ClusterSpec {
  const copies = draft.schedule.replicas ?? 1;
  const devices = cluster.devices.map((device, index) => {
    if (device.memoryBytes === undefined) return device;
    const limits = problem.stages.flatMap((stage) => (stage.device === index ? [stage.memoryBytes ?? Infinity] : []));
    return { ...device, memoryBytes: Math.min(device.memoryBytes, copies * Math.min(...limits)) };
  });
  return { ...cluster, devices };
}

function withUnlimitedMemory(cluster: ClusterSpec): ClusterSpec {
  const devices = cluster.devices.map((device) => {
    const free = { ...device };
    delete free.memoryBytes;
    return free;
  });
  return { ...cluster, devices };
}
