/**
 * @file Spells out what a schedule leaves to its reader: which device sends and receives what and when, when a stage's
 * gradients are complete, and the update at the end.
 *
 * All actions are taken in one order that dependencies and rows agree with. When an action comes, its device sends
 * what it made, and at the same moment the receive goes to the other device's row. Both ends of a channel therefore
 * see the messages in one order, and no channel needs a buffer: executed in that order, every send meets its receive.
 */
import type { Action, Schedule } from "./action.js";
import { stagesPerReplica } from "./action.js";
import { uniformCosts } from "./costs.js";
import { linearize } from "./linearize.js";
import { simulate } from "./simulate.js";
import type { Step } from "./step.js";

/** Stages that exchange tensors: activations one way, gradients back. */
export interface StagePair {
  readonly from: number;
  readonly to: number;
  /** Per microbatch. */
  readonly forwardBytes?: number;
  readonly gradBytes?: number;
}

/** How a send ends: when the receive has begun, when one of so many buffers is free, or at once. */
export type ChannelModel = "rendezvous" | "unbounded" | { readonly slots: number };

/** Everything that devices do in one step of training, in order. */
export interface LoweredSchedule {
  readonly schedule: Schedule;
  /** Per device, in the order in which it issues them. */
  readonly rows: readonly (readonly Step[])[];
  readonly crossings: readonly StagePair[];
  readonly channels: ChannelModel;
  /** Groups of stages that share weights. */
  readonly tied: readonly (readonly number[])[];
  /** Buffers that each receiving stage has for each sending stage; absent: one per microbatch. */
  readonly receiveSlots?: number;
  /** How the engine pairs losses with targets: by the microbatch itself, or by counting the Fs of the last stage. */
  readonly results: "by microbatch" | "by arrival";
}

/** What the schedule alone does not tell. */
export interface LowerOptions {
  /** Default: all neighbouring stages. */
  readonly crossings?: readonly StagePair[];
  readonly channels?: ChannelModel;
  readonly tied?: readonly (readonly number[])[];
  /** Stages keep only a shard of their parameters between microbatches. */
  readonly sharded?: boolean;
  readonly results?: LoweredSchedule["results"];
}

/** Requires: checkSchedule accepts the schedule. Ensures: verify.ts accepts the result, with any kind of channel. */
export function lower(schedule: Schedule, options: LowerOptions = {}): LoweredSchedule {
  const { crossings = neighbours(schedule), channels = "rendezvous", tied = [], results = "by microbatch" } = options;
  const { placement } = schedule;
  const rows = schedule.rows.map((): Step[] => []);
  const left = remainingGradients(schedule);
  const outgoing = portsOf(schedule, crossings);
  const sendAll = (action: Action): void => {
    const { stage, phase, microbatch } = action;
    if (phase === "W") return;
    for (const { target, bytes } of outgoing[phase === "F" ? "forward" : "backward"][stage]!) {
      const message = { from: stage, to: target, microbatch, ...(bytes !== undefined && { bytes }) };
      rows[placement[stage]!]!.push({ kind: "send", ...message });
      rows[placement[target]!]!.push({ kind: "receive", ...message });
    }
  };
  if (options.sharded) placement.forEach((device, stage) => rows[device]!.push({ kind: "gather", stage }));
  for (const actions of inOneOrder(schedule)) {
    const device = placement[actions[0]!.stage]!;
    rows[device]!.push({ kind: "compute", actions });
    for (const action of actions) {
      sendAll(action);
      if (action.phase !== "B" && action.phase !== "W") continue;
      if (--left[action.stage]! > 0) continue;
      rows[device]!.push({ kind: "reduce", stage: action.stage });
      if (options.sharded) rows[device]!.push({ kind: "release", stage: action.stage });
    }
  }
  tied.forEach((stages, group) => {
    const members = new Set(stages.map((stage) => placement[stage]!));
    for (const device of members) rows[device]!.push({ kind: "tied-reduce", group });
  });
  for (const row of rows) row.push({ kind: "update" });
  return { schedule, rows, crossings, channels, tied, results };
}

/** Stages s and s + 1 of every copy of the model. */
export function neighbours(schedule: Pick<Schedule, "stages" | "replicas">): StagePair[] {
  const perReplica = stagesPerReplica(schedule);
  return Array.from({ length: schedule.stages - 1 }, (_, from) => ({ from, to: from + 1 })).filter(
    ({ to }) => to % perReplica !== 0,
  );
}

interface Port {
  readonly target: number;
  readonly bytes: number | undefined;
}

/** Per stage, where its activations and its gradients go, if that is another device. */
function portsOf({ stages, placement }: Schedule, crossings: readonly StagePair[]) {
  const ports = () => Array.from({ length: stages }, (): Port[] => []);
  const [forward, backward] = [ports(), ports()];
  for (const { from, to, forwardBytes, gradBytes } of crossings) {
    if (placement[from] === placement[to]) continue;
    forward[from]!.push({ target: to, bytes: forwardBytes });
    backward[to]!.push({ target: from, bytes: gradBytes });
  }
  return { forward, backward };
}

/** Compute steps by simulated start at equal times. An overlapped pair is one step. */
function* inOneOrder(schedule: Schedule): Generator<Action[]> {
  const costs = { ...uniformCosts(schedule.stages), overlap: 0 };
  const inPair = schedule.rows.map((_, d) => new Set(schedule.pairs?.[d]));
  for (const { device, position } of linearize(schedule, simulate(schedule, costs))) {
    if (inPair[device]!.has(position - 1)) continue;
    yield schedule.rows[device]!.slice(position, position + (inPair[device]!.has(position) ? 2 : 1));
  }
}

/** Ws and Bs of each stage. */
function remainingGradients(schedule: Schedule): number[] {
  const counts = new Array<number>(schedule.stages).fill(0);
  for (const { stage, phase } of schedule.rows.flat()) if (phase === "B" || phase === "W") counts[stage]!++;
  return counts;
}
