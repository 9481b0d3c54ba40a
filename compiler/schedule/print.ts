/** @file Schedules as text grids: a row per device, time or position from left to right. */
import type { Schedule } from "./action.js";
import { formatAction } from "./action.js";
import type { ScheduleCosts } from "./costs.js";
import { uniformCosts } from "./costs.js";
import type { Timeline } from "./simulate.js";
import { simulate } from "./simulate.js";

const IDLE = ".";
const HELD = "=";

/**
 * The grid of a schedule on given costs (default: F = I = W = 1, so B = 2), under a header line with its makespan and
 * bubble. A column is `columnMs` long; an action longer than that goes on as "===", idle time is "...".
 *
 * Requires: starts and ends are multiples of `columnMs`; others are drawn in the column where they begin.
 */
export function printSchedule(
  schedule: Schedule,
  { costs = uniformCosts(schedule.stages), columnMs = 1 }: { costs?: ScheduleCosts; columnMs?: number } = {},
): string {
  const timeline = simulate(schedule, costs);
  const columns = Math.round(timeline.makespanMs / columnMs);
  const cells = schedule.rows.map((row, d) => {
    const line = new Array<string>(columns).fill(IDLE);
    row.forEach((action, i) => {
      const first = Math.round(timeline.startMs[d]![i]! / columnMs);
      const last = Math.max(first + 1, Math.round(timeline.endMs[d]![i]! / columnMs));
      const text = formatAction(action);
      line.fill(HELD, first, last);
      if (isSecondHalf(schedule, timeline, d, i)) line[first] = `${formatAction(row[i - 1]!)}+${text}`;
      else line[first] = text;
    });
    return line;
  });
  return [header(schedule, costs, timeline), ...layout(cells)].join("\n") + "\n";
}

/** Does it run together with the action before it, as the second half of a pair? */
function isSecondHalf({ pairs }: Schedule, { startMs }: Timeline, d: number, i: number): boolean {
  return (pairs?.[d]?.includes(i - 1) ?? false) && startMs[d]![i] === startMs[d]![i - 1];
}

function header(schedule: Schedule, costs: ScheduleCosts, timeline: Timeline): string {
  const phases = new Set(schedule.rows.flat().map((action) => action.phase));
  const uniform = (list: readonly number[]) => (list.every((ms) => ms === list[0]) ? `${list[0]}` : "various");
  const whole = costs.inputGradMs.map((ms, s) => ms + costs.weightGradMs[s]!);
  const times = [`f ${uniform(costs.forwardMs)}`];
  if (phases.has("B")) times.push(`b ${uniform(whole)}`);
  if (phases.has("I")) times.push(`i ${uniform(costs.inputGradMs)}`, `w ${uniform(costs.weightGradMs)}`);
  return [
    `# ${schedule.name}`,
    `devices ${schedule.devices}`,
    `stages ${schedule.stages}`,
    `microbatches ${schedule.microbatches}`,
    ` ${times.join("  ")}`,
    ` makespan ${round(timeline.makespanMs)}`,
    `bubble ${(100 * timeline.bubble).toFixed(1)} %`,
  ].join("  ");
}

function round(ms: number): string {
  return `${Number(ms.toFixed(3))}`;
}

/** Right-pads all cells to one width; "." and "=" fill theirs. One line per device, "d0" first. */
function layout(cells: readonly (readonly string[])[]): string[] {
  const width = widest(cells);
  const label = `d${cells.length - 1}`.length;
  return cells.map((line, d) => {
    const texts = line.map((text) => (text === IDLE || text === HELD ? text.repeat(width) : text.padEnd(width)));
    return `${`d${d}`.padEnd(label)}  ${texts.join(" ")}`.trimEnd();
  });
}

/** Width of a column. */
function widest(cells: readonly (readonly string[])[]): number {
  return cells.reduce((most, line) => line.reduce((own, text) => Math.max(own, text.length), most), 3);
}

/** The order of every row alone, without times. One line per device, "d0" first. */
export function printOrder({ rows }: Schedule): string {
  return `${layout(rows.map((row) => row.map(formatAction))).join("\n")}\n`;
}

/** Columns shown on each side of a marked cell. */
const AROUND = 8;

/**
 * Rows of cells by position, without times: for schedules that cannot run. An arrow stands under the marked cell, and
 * only its surroundings are shown.
 */
export function printRows(
  rows: readonly (readonly string[])[],
  mark: { readonly device: number; readonly position: number },
): string {
  const from = Math.max(0, mark.position - AROUND);
  const shown = rows.map((row) => row.slice(from, mark.position + AROUND + 1));
  const width = widest(shown);
  const label = `d${rows.length - 1}`.length;
  const arrow = " ".repeat(label + 2 + (mark.position - from) * (width + 1)) + "^";
  const lines = layout(shown);
  lines.splice(mark.device + 1, 0, `${arrow} d${mark.device}, position ${mark.position}`);
  return lines.join("\n");
}
