/** @file A schedule in words: its grid or timeline, times, bubbles, bound and memory. */
import { gapOf, isClosed } from "../../../compiler/gap.js";
import type { Schedule } from "../../../compiler/schedule/action.js";
import { formatAction } from "../../../compiler/schedule/action.js";
import { makespanBound } from "../../../compiler/schedule/bound.js";
import type { ScheduleCosts } from "../../../compiler/schedule/costs.js";
import { printOrder, printSchedule } from "../../../compiler/schedule/print.js";
import { problemOf } from "../../../compiler/schedule/problem.js";
import type { SearchResult } from "../../../compiler/schedule/search.js";
import type { Timeline } from "../../../compiler/schedule/simulate.js";
import { formatMs, formatShare, significant } from "../../report/format.js";
import type { Context } from "../command.js";
import type { FlagValues } from "../flags.js";
import { timelineRows } from "./plan.js";
import type { Fact } from "./table.js";
import { renderFacts } from "./table.js";
import { renderTimeline } from "./timeline.js";

/** A schedule that ran on the simulator. */
export interface Simulated {
  readonly schedule: Schedule;
  readonly costs: ScheduleCosts;
  readonly timeline: Timeline;
  /** Most stash of each device. */
  readonly memory?: number;
  readonly found?: SearchResult;
}

/** Makespan against the bound of all orders of the same actions; gap = (makespan − bound) / makespan. */
export interface Proof {
  readonly boundMs: number;
  readonly gap: number;
  readonly status: "optimal" | "feasible";
}

const ROUNDING = 1e-9;
/** Devices whose memory is told one by one. */
const MOST_LISTED = 16;

/** Undefined where no bound is known: overlapped pairs. */
export function proofOf({ schedule, costs, timeline, memory }: Simulated): Proof | undefined {
  const { overlap, ...plain } = costs;
  if (schedule.pairs && overlap !== undefined) return undefined;
  const capacity = memory === undefined ? undefined : schedule.rows.map(() => memory);
  const boundMs = Math.min(timeline.makespanMs, makespanBound(problemOf(schedule, plain, capacity)));
  const gap = gapOf(timeline.makespanMs, boundMs);
  return { boundMs, gap, status: isClosed(gap) ? "optimal" : "feasible" };
}

/** What a terminal can show, and in which unit times are; "" for counts of units. */
export interface View {
  readonly columns: number;
  readonly color: boolean;
  readonly unit: "ms" | "";
  /** Show every action, however wide. */
  readonly isWhole: boolean;
}

/** How the flags of `schedule` want it shown. */
export function viewOf({ columns, color }: Context, { costs, grid }: FlagValues): View {
  return { columns, color, unit: costs ? "ms" : "", isWhole: grid ?? false };
}

/** Figures and rows as data. */
export function scheduleJson({ schedule, timeline, found }: Simulated, proof: Proof | undefined): object {
  const { makespanMs, bubble, spanMs, spanBubble, peakActivations, peakStash } = timeline;
  const { name, devices, stages, microbatches, placement } = schedule;
  return {
    schedule: {
      ...{ name, devices, stages, microbatches, placement },
      ...{ makespanMs, bubble, spanMs, spanBubble, peakActivations, peakStash },
      boundMs: proof?.boundMs ?? null,
      gap: proof?.gap ?? null,
      status: proof?.status ?? "unknown",
      ...(found && { template: found.template ?? null, evaluations: found.evaluations }),
    },
    rows: schedule.rows.map((row) => row.map(formatAction)),
  };
}

/** The grid if it fits, or the order of the rows if all of it is wanted; else the timeline to scale. */
export function drawing({ schedule, costs, timeline }: Simulated, { columns, color, unit, isWhole }: View): string {
  if (isOnGrid(timeline) && (isWhole || timeline.makespanMs <= columns)) {
    const grid = printSchedule(schedule, { costs });
    const rows = grid.slice(grid.indexOf("\n") + 1);
    if (isWhole || rows.split("\n").every((line) => line.length <= columns)) return rows;
  }
  if (isWhole) return printOrder(schedule);
  return renderTimeline(timelineRows(schedule, timeline), columns, color, (ms) => formatTime(ms, unit));
}

/** Does every action start and end at a whole number, so that a column can stand for one unit of time? */
function isOnGrid({ startMs, endMs }: Timeline): boolean {
  const isWhole = (ms: number) => Math.abs(ms - Math.round(ms)) < ROUNDING;
  return [...startMs, ...endMs].every((row) => row.every(isWhole));
}

/** A figure a line. */
export function figures(
  { timeline, found }: Simulated,
  proof: Proof | undefined,
  { unit, columns }: Pick<View, "unit" | "columns">,
): string {
  const { makespanMs, bubble, spanMs, spanBubble, peakStash } = timeline;
  const time = (ms: number) => formatTime(ms, unit);
  const judged = !proof
    ? "no bound known for overlapped pairs"
    : proof.status === "optimal"
      ? "optimal: no order of these actions is shorter"
      : `bound ${time(proof.boundMs)}, gap ${formatShare(proof.gap)}`;
  const known = found?.template;
  const facts: readonly Fact[] = [
    ["step", `${time(makespanMs)}  (${judged})`],
    ["bubble", `${formatShare(bubble)} of the step, from a common start (makespan)`],
    ["", `${formatShare(spanBubble)} of ${time(spanMs)}, the longest that one device is at it (span)`],
    ["activations", `at most ${listed(peakStash)} per device`],
    ...(known ? [["best known", `${known.name}, ${time(known.makespanMs)}`] as const] : []),
  ];
  return renderFacts(facts, columns);
}

/** All of a few numbers, the largest of many. */
function listed(numbers: readonly number[]): string {
  const shown = numbers.length <= MOST_LISTED ? numbers : [Math.max(...numbers)];
  return shown.map(significantOrWhole).join(", ");
}

function formatTime(ms: number, unit: View["unit"]): string {
  return unit === "ms" ? formatMs(ms) : `${significantOrWhole(ms)} units`;
}

function significantOrWhole(value: number): string {
  return Number.isInteger(value) ? String(value) : significant(value);
}
