/** @file A plan as text, for review: stages, slots, rows with their waits, and what is known of both. */
import { isClosed } from "../gap.js";
import { tensorBytes } from "../ir/literal.js";
import type { Plan, PlanAction, PlanStage, SlotGroup } from "./plan.js";

type Printed = Omit<Plan, "files">;

/** All of a plan but its ports and parameters. Ensures: equal plans give equal text. Times to four digits, in ms. */
export function formatPlan(plan: Printed): string {
  const { model, microbatches, schedule, partition, devices } = plan;
  const { certificate } = partition;
  const { forecast } = schedule;
  return [
    `plan ${model.name}: ${model.nodes} nodes in ${model.blocks} blocks, ${model.parameters} parameters`,
    `${devices.length} devices, ${microbatches} microbatches, ${plan.profile.source} costs, ${plan.optimizer.kind}`,
    "",
    ...table([
      ["stage", "device", "nodes", "F ms", "I ms", "W ms", "parameter B", "send B", "peak B"],
      ...plan.stages.map(stageCells),
    ]),
    "",
    ...table([["slots", "made by", "shared", "values", "B each"], ...plan.slotGroups.map(slotCells)]),
    "",
    ...plan.rows.map((row, device) => `device ${device}: ${row.map(formatPlanAction).join(" ")}`),
    "",
    `partition ${partition.model} by ${partition.solver}: ${certificate.status}, bottleneck ${formatMs(certificate.bottleneckMs)}, ` +
      `bound ${formatMs(certificate.boundMs)}, gap ${formatShare(certificate.gap)}`,
    `schedule ${schedule.name}: ${isClosed(forecast.gap) ? "optimal" : "feasible"}, step ${formatMs(forecast.makespanMs)}, bound ${formatMs(forecast.boundMs)}, ` +
      `gap ${formatShare(forecast.gap)}, bubble ${formatShare(forecast.bubble)}, in flight ${forecast.peakActivations.join(" ")}`,
    "",
  ].join("\n");
}

/** "2F0", and in brackets what it waits for: "1F0(0:3)" waits until device 0 has done 3 actions. */
function formatPlanAction({ stage, phase, microbatch, waits }: PlanAction): string {
  const list = waits.map(({ device, count }) => `${device}:${count}`).join(",");
  return `${stage}${phase}${microbatch}${list && `(${list})`}`;
}

function stageCells(stage: PlanStage): string[] {
  const { index, device, nodes, forwardMs, inputGradMs, weightGradMs, parameterBytes, sendBytes, peakBytes } = stage;
  const times = [forwardMs, inputGradMs, weightGradMs].map(formatMs);
  return [`${index}`, `${device}`, `${nodes}`, ...times, `${parameterBytes}`, `${sendBytes}`, `${peakBytes}`];
}

function slotCells({ stage, program, slots, values }: SlotGroup): string[] {
  const bytes = values.reduce((sum, value) => sum + tensorBytes(value), 0);
  const isShared = values.some(({ shared }) => shared);
  return [`${slots}`, `${stage}.${program}`, isShared ? "yes" : "no", `${values.length}`, `${bytes}`];
}

function formatMs(ms: number): string {
  return ms.toPrecision(4);
}

function formatShare(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** Columns aligned to the right, two spaces apart. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join("  "));
}
