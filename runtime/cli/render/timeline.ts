/** @file A timeline in the terminal: a row per device, time from left to right, dots where a device waits. */
import type { Phase } from "../../../compiler/schedule/action.js";
import type { Paint } from "../terminal.js";
import { paint } from "../terminal.js";
import { formatMs } from "../../report/format.js";

/** What ran when on one device. Times in ms from the start of the step. */
export interface TimelineCell {
  readonly phase: Phase;
  readonly microbatch: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** A device with its cells in order of time. */
export interface TimelineRow {
  readonly label: string;
  readonly cells: readonly TimelineCell[];
}

const COLOURS: Readonly<Record<Phase, Paint>> = { F: "cyan", B: "yellow", I: "yellow", W: "green" };
const IDLE = ".";
const HELD = "=";
const LEAST_COLUMNS = 20;

/**
 * The rows to scale, then a time axis. A cell shows "F0" if it is wide enough, else "F", and goes on as "=".
 * Cells narrower than a column are drawn in the column where they begin; the later of two wins. `format`: of the time
 * at the end of the axis.
 */
export function renderTimeline(
  rows: readonly TimelineRow[],
  width: number,
  color: boolean,
  format: (ms: number) => string = formatMs,
): string {
  const labelWidth = Math.max(0, ...rows.map(({ label }) => label.length)) + 1;
  const columns = Math.max(LEAST_COLUMNS, width - labelWidth - 1);
  const totalMs = rows.reduce((last, { cells }) => cells.reduce((own, { endMs }) => Math.max(own, endMs), last), 0);
  const lines = rows.map(
    ({ label, cells }) => `${label.padEnd(labelWidth)} ${drawRow(cells, columns, totalMs, color)}`,
  );
  return `${[...lines, `${"".padEnd(labelWidth)} ${axis(columns, format(totalMs))}`].join("\n")}\n`;
}

function drawRow(cells: readonly TimelineCell[], columns: number, totalMs: number, color: boolean): string {
  const letters = new Array<string>(columns).fill(IDLE);
  const phases = new Array<Phase | undefined>(columns).fill(undefined);
  const column = (ms: number): number => Math.round((ms / (totalMs || 1)) * columns);
  for (const cell of cells) {
    const first = Math.min(column(cell.startMs), columns - 1);
    const last = Math.max(first + 1, column(cell.endMs));
    const text = `${cell.phase}${cell.microbatch}`;
    const drawn = (text.length <= last - first ? text : cell.phase).padEnd(last - first, HELD);
    for (let at = first; at < last; at++) {
      letters[at] = drawn[at - first]!;
      phases[at] = cell.phase;
    }
  }
  return paintRuns(letters, phases, color);
}

/** Joins the letters, painting each run of one phase at once. */
function paintRuns(letters: readonly string[], phases: readonly (Phase | undefined)[], color: boolean): string {
  let line = "";
  for (let at = 0; at < letters.length;) {
    const phase = phases[at];
    let end = at + 1;
    while (end < letters.length && phases[end] === phase) end++;
    const run = letters.slice(at, end).join("");
    line += phase ? paint(color, COLOURS[phase], run) : paint(color, "dim", run);
    at = end;
  }
  return line;
}

function axis(columns: number, end: string): string {
  return `0${end.padStart(columns - 1)}`;
}
