/**
 * @file PyTorch's schedule files, compute-only form: one line per device, one cell per action, "2F0" as here. Empty
 * cells are idle. "(0F5;7B0)OVERLAP_F_B" is an overlapped pair. Facts: torch 2.13, _PipelineScheduleRuntime._load_csv.
 */
import { PipewrightError } from "../errors.js";
import type { Action, Schedule } from "./action.js";
import { formatAction, parseAction } from "./action.js";

const PAIR = /^\((\d+[FBIW]\d+);(\d+[FBIW]\d+)\)OVERLAP_F_B$/;

/** The rows of a schedule as text; ends with a line break. */
export function writeCsv(schedule: Schedule): string {
  const lines = schedule.rows.map((row, d) => {
    const cells: string[] = [];
    for (let i = 0; i < row.length; i++) {
      const paired = schedule.pairs?.[d]?.includes(i);
      cells.push(paired ? `(${formatAction(row[i]!)};${formatAction(row[++i]!)})OVERLAP_F_B` : formatAction(row[i]!));
    }
    return cells.join(",");
  });
  return lines.join("\n") + "\n";
}

/**
 * Reads compute-only CSV. Sizes and placement follow from the cells. Does not check the order: call checkSchedule.
 * @throws SCHEDULE_INVALID for a cell that is no action, naming line and column.
 */
export function readCsv(text: string, name = "csv"): Schedule {
  const lines = text.split(/\r?\n/);
  while (lines.at(-1)?.trim() === "") lines.pop();
  const pairs: number[][] = [];
  const rows = lines.map((line, d) => {
    const row: Action[] = [];
    pairs.push([]);
    line.split(",").forEach((raw, column) => {
      const cell = raw.trim();
      if (cell === "") return;
      const match = PAIR.exec(cell);
      if (match) pairs[d]!.push(row.length);
      for (const part of match ? [match[1]!, match[2]!] : [cell])
        row.push(parseAction(part) ?? refuse(name, cell, d, column));
    });
    return row;
  });
  const all = rows.flat();
  const stages = 1 + all.reduce((most, { stage }) => Math.max(most, stage), -1);
  const microbatches = 1 + all.reduce((most, { microbatch }) => Math.max(most, microbatch), -1);
  const placement = new Array<number>(stages).fill(-1);
  rows.forEach((row, d) =>
    row.forEach(({ stage }) => (placement[stage] = placement[stage] === -1 ? d : placement[stage]!)),
  );
  const paired = pairs.some((list) => list.length > 0) ? { pairs } : {};
  return { name, devices: rows.length, stages, microbatches, placement, rows, ...paired };
}

function refuse(name: string, cell: string, line: number, column: number): never {
  throw new PipewrightError(
    "SCHEDULE_INVALID",
    `schedule ${name}: line ${line + 1}, cell ${column + 1} is no action; got ${JSON.stringify(cell)} expected stage, F, B, I or W, microbatch, such as "2F0". Correct the cell.`,
    { line: line + 1, cell: column + 1 },
  );
}
