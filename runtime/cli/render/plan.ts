/** @file A plan in words and tables: what `demo`, `partition`, `simulate` and `train` show of it. */
import { isClosed } from "../../../compiler/gap.js";
import { restsOnSolver } from "../../../compiler/partition/certificate.js";
import type { Plan, PlanStage } from "../../../compiler/plan/plan.js";
import type { Schedule } from "../../../compiler/schedule/action.js";
import type { Timeline } from "../../../compiler/schedule/simulate.js";
import { formatBytes, formatMs, formatShare } from "../../report/format.js";
import type { Fact, TableColumn } from "./table.js";
import { renderFacts, renderTable } from "./table.js";
import type { TimelineRow } from "./timeline.js";

const STAGE_COLUMNS: readonly TableColumn[] = [
  { title: "stage", align: "right" },
  { title: "device", flexible: true },
  { title: "nodes", align: "right" },
  { title: "params", align: "right" },
  { title: "F", align: "right" },
  { title: "I", align: "right" },
  { title: "W", align: "right" },
  { title: "sends", align: "right" },
  { title: "memory", align: "right" },
];

/** One line per stage: times per microbatch, bytes sent per microbatch, peak memory. */
export function stageTable({ stages, devices }: Pick<Plan, "stages" | "devices">, width: number): string {
  const row = (stage: PlanStage): readonly string[] => [
    String(stage.index),
    devices[stage.device]!.name,
    String(stage.nodes),
    formatBytes(stage.parameterBytes),
    formatMs(stage.forwardMs),
    formatMs(stage.inputGradMs),
    formatMs(stage.weightGradMs),
    formatBytes(stage.sendBytes),
    formatBytes(stage.peakBytes),
  ];
  return renderTable(STAGE_COLUMNS, stages.map(row), width);
}

/** Partition and schedule with their bounds. */
export function planSummary({ partition, schedule, microbatches }: Omit<Plan, "files">, width: number): string {
  const { certificate, solver } = partition;
  const { forecast } = schedule;
  const word = restsOnSolver(certificate)
    ? ` by the word of HiGHS, ${formatMs(certificate.ownBoundMs)} by our own`
    : "";
  const proof = `${certificate.status === "optimal" ? "proved optimal" : `gap ${formatShare(certificate.gap)}`}${word}`;
  const bottleneck = `${formatMs(certificate.bottleneckMs)} per microbatch  (bound ${formatMs(certificate.boundMs)}, ${proof}, by ${solver})`;
  const facts: readonly Fact[] = [
    ["bottleneck", bottleneck],
    ["schedule", `${schedule.name}, ${microbatches} microbatches`],
    ["step", `${formatMs(forecast.makespanMs)}  (bound ${formatMs(forecast.boundMs)}, ${judged(forecast.gap)})`],
    ["bubble", `${formatShare(forecast.bubble)} of the step`],
  ];
  return renderFacts(facts, width);
}

/** Of a schedule, by its gap to the bound. */
function judged(gap: number): string {
  return isClosed(gap) ? "optimal for these actions" : `gap ${formatShare(gap)}`;
}

/** A simulated schedule as rows to draw. */
export function timelineRows(
  schedule: Schedule,
  timeline: Pick<Timeline, "startMs" | "endMs">,
): readonly TimelineRow[] {
  return schedule.rows.map((row, device) => ({
    label: `device ${device}`,
    cells: row.map(({ phase, microbatch }, position) => ({
      phase,
      microbatch,
      startMs: timeline.startMs[device]![position]!,
      endMs: timeline.endMs[device]![position]!,
    })),
  }));
}
