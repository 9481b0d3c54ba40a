/** @file What a plan says about itself, for the simulator: its rows as a schedule, its stages and cuts as costs. */
import { tensorBytes } from "../ir/literal.js";
import type { Schedule } from "../schedule/action.js";
import type { ScheduleCosts, Transfer } from "../schedule/costs.js";
import type { Plan } from "./plan.js";

type Described = Pick<Plan, "schedule" | "stages" | "rows" | "microbatches" | "slotGroups" | "link" | "devices">;

/** The rows of a plan without their waits. */
export function planSchedule({ schedule, stages, rows, microbatches }: Described): Schedule {
  return {
    name: schedule.name,
    devices: rows.length,
    stages: stages.length,
    microbatches,
    placement: stages.map(({ device }) => device),
    rows: rows.map((row) => row.map(({ stage, phase, microbatch }) => ({ stage, phase, microbatch }))),
  };
}

/** Predicted times of the stages, and the wire time of every tensor that a program of another stage reads. */
export function planCosts(plan: Described): ScheduleCosts {
  return {
    forwardMs: plan.stages.map(({ forwardMs }) => forwardMs),
    inputGradMs: plan.stages.map(({ inputGradMs }) => inputGradMs),
    weightGradMs: plan.stages.map(({ weightGradMs }) => weightGradMs),
    transfers: transfersOf(plan),
  };
}

/** One entry per pair of stages that exchange tensors; a tensor crosses once to each stage that reads it. */
function transfersOf({ stages, slotGroups, link }: Described): readonly Transfer[] {
  const pairs = new Map<string, { from: number; to: number; forwardMs: number; gradMs: number }>();
  for (const group of slotGroups) {
    for (const value of group.values) {
      const wireMs = tensorBytes(value) / link.bytesPerMs;
      for (const reader of stages) {
        if (reader.index === group.stage || !reads(reader, value.name)) continue;
        const [from, to] = [Math.min(reader.index, group.stage), Math.max(reader.index, group.stage)];
        const pair = pairs.get(`${from} ${to}`) ?? { from, to, forwardMs: 0, gradMs: 0 };
        pairs.set(`${from} ${to}`, pair);
        if (group.stage < reader.index) pair.forwardMs += wireMs;
        else pair.gradMs += wireMs;
      }
    }
  }
  return [...pairs.values()].map((pair) => ({ ...pair, latencyMs: link.latencyMs }));
}

function reads(stage: Plan["stages"][number], tensor: string): boolean {
  return stage.programs.some(({ inputs }) => inputs.some((port) => port.at === "slot" && port.tensor === tensor));
}
