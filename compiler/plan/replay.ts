/** @file What a plan says about itself, for the simulator: its rows as a schedule, its stages and cuts as costs. */
import { tensorBytes } from "../ir/literal.js";
import type { Schedule } from "../schedule/action.js";
import { splitStages, stagesPerReplica } from "../schedule/action.js";
import type { ScheduleCosts, Transfer } from "../schedule/costs.js";
import type { Plan, PlanAction } from "./plan.js";
import { linkFrom, NO_OVERHEADS, TransferTable } from "./stage-costs.js";

type Described = Pick<
  Plan,
  "schedule" | "stages" | "rows" | "microbatches" | "slotGroups" | "link" | "links" | "devices" | "profile"
>;

/** The rows of a plan without their waits. */
export function planSchedule({ schedule, stages, rows, microbatches }: Described): Schedule {
  const { copies = 1 } = schedule;
  const replayed = {
    name: schedule.name,
    devices: rows.length,
    stages: stages.length,
    microbatches,
    placement: stages.map(({ device }) => device),
    rows: rows.map((row) => row.map(({ stage, phase, microbatch }) => ({ stage, phase, microbatch }))),
  };
  if (copies === 1) return replayed;
  const perReplica = stagesPerReplica({ stages: stages.length, replicas: copies });
  const replicaOf = new Array<number>(microbatches).fill(0);
  for (const { stage, microbatch } of rows.flat()) replicaOf[microbatch] = Math.floor(stage / perReplica);
  return { ...replayed, replicas: copies, replicaOf, sums: "in order" };
}

/** Predicted time of an action, without the start of a program. */
export function predictedMs({ stages }: Pick<Plan, "stages">, { stage, phase }: PlanAction): number {
  const { forwardMs, inputGradMs, weightGradMs } = stages[stage]!;
  return { F: forwardMs, I: inputGradMs, W: weightGradMs, B: inputGradMs + weightGradMs }[phase];
}

/** Predicted times of the stages, and the wire time of every tensor that a program of another stage reads. */
export function planCosts(plan: Described): ScheduleCosts {
  const { stages, profile, rows } = plan;
  const startMs = (device: number): number => profile.overheads?.[device]?.actionMs ?? 0;
  const isSplit = splitStages({ stages: stages.length, rows });
  return {
    forwardMs: stages.map(({ forwardMs, device }) => forwardMs + startMs(device)),
    inputGradMs: stages.map(({ inputGradMs, device }) => inputGradMs + startMs(device)),
    weightGradMs: stages.map(
      ({ weightGradMs, device, index }) => weightGradMs + (isSplit[index] ? startMs(device) : 0),
    ),
    transfers: transfersOf(plan),
  };
}

/** One entry per pair of stages that exchange tensors; a tensor crosses once to each stage that reads it. */
function transfersOf(plan: Described): readonly Transfer[] {
  const { stages, slotGroups, devices, profile } = plan;
  const table = new TransferTable({
    placement: stages.map(({ device }) => device),
    linkFrom: (from, to) => linkFrom(plan, from, to),
    overheads: profile.overheads ?? devices.map(() => NO_OVERHEADS),
  });
  for (const group of slotGroups) {
    for (const value of group.values) {
      for (const reader of stages) {
        if (reader.index === group.stage || !reads(reader, value.name)) continue;
        table.add(group.stage, reader.index, tensorBytes(value), group.stage < reader.index ? "forward" : "backward");
      }
    }
  }
  return table.transfers;
}

function reads(stage: Plan["stages"][number], tensor: string): boolean {
  const passes = stage.programs.filter(({ kind }) => kind !== "add");
  return passes.some(({ inputs }) => inputs.some((port) => port.at === "slot" && port.tensor === tensor));
}
