/**
 * @file PyTorch's schedule files: one line per device, one cell per step, "2F0" as here. Two forms: compute-only, and
 * with all messages. Empty cells are idle. Facts: torch 2.13, _PipelineScheduleRuntime._load_csv; torch.ts says what
 * PyTorch cannot run.
 *
 * Files written in 2024 call the gradient to the inputs B and a whole backward BW. A file is read that way if it has a
 * BW, or if a stage has B and W but no I of one microbatch, which makes no sense in today's words.
 */
import { PipewrightError } from "../errors.js";
import type { Action, Schedule } from "./action.js";
import { formatAction } from "./action.js";
import type { LoweredSchedule } from "./lower.js";
import { neighbours } from "./lower.js";
import type { Step } from "./step.js";
import { formatStep, parseStep } from "./step.js";

/** What a file turned out to be. */
export interface CsvFile {
  readonly schedule: Schedule;
  /** The messages too, if the file has some. */
  readonly lowered?: LoweredSchedule;
  /** Written in the words of 2024. */
  readonly isOldDialect: boolean;
}

/** Compute-only text of a schedule, with a line break at its end. */
export function writeCsv(schedule: Schedule): string {
  const lines = schedule.rows.map((row, d) => {
    const paired = new Set(schedule.pairs?.[d]);
    return row.flatMap((action, i) => {
      if (paired.has(i - 1)) return [];
      return [formatStep({ kind: "compute", actions: paired.has(i) ? [action, row[i + 1]!] : [action] })];
    });
  });
  return toText(lines);
}

/** Text with all messages and reduces. What PyTorch does by itself (the update) or has no word for is left out. */
export function writeCommsCsv({ rows }: LoweredSchedule): string {
  const kept = (step: Step) => step.kind !== "update" && step.kind !== "tied-reduce";
  return toText(rows.map((row) => row.filter(kept).map(formatStep)));
}

/**
 * Reads the compute-only form. Sizes and placement follow from the cells. Does not check the order: call checkSchedule.
 * @throws SCHEDULE_INVALID for a cell that is no action, naming line and cell.
 */
export function readCsv(text: string, name = "csv"): Schedule {
  const rows = readSteps(text, name);
  rows.forEach((row, line) =>
    row.forEach((step, cell) => {
      if (step.kind !== "compute")
        refuse(name, formatStep(step), line, cell, "an action, such as 2F0, as in compute-only files");
    }),
  );
  return fromSteps(rows, name);
}

/**
 * Reads the form with messages. Every device ends with its update, as PyTorch's does. Does not check the order: call
 * verifyLowered. @throws SCHEDULE_INVALID for a cell that is no step, naming line and cell.
 */
export function readCommsCsv(text: string, name = "csv"): LoweredSchedule {
  const rows = readSteps(text, name);
  const schedule = fromSteps(rows, name);
  return {
    schedule,
    rows: rows.map((row) => [...row, { kind: "update" }]),
    crossings: neighbours(schedule),
    channels: "unbounded",
    tied: [],
    results: "by arrival",
  };
}

/** Reads either form. Does not check the order. @throws SCHEDULE_INVALID for a cell that is no step, naming line and cell. */
export function readEitherCsv(text: string, name = "csv"): CsvFile {
  const hasMessages = /\d(SEND|RECV)_|UNSHARD|RESHARD|REDUCE_GRAD/.test(text);
  const lowered = hasMessages ? { lowered: readCommsCsv(text, name) } : {};
  const schedule = lowered.lowered?.schedule ?? readCsv(text, name);
  return { schedule, ...lowered, isOldDialect: isOldDialect(cellsOf(text).flat()) };
}

function toText(lines: readonly (readonly string[])[]): string {
  return lines.map((cells) => `${cells.join(",")}\n`).join("");
}

/** Cells of a file: 1,024 devices with F and B of as many microbatches. */
const MOST_CELLS = 2 ** 21;

/** @throws LIMIT_EXCEEDED before anything of the text is cut. */
function refuseLength(text: string, name: string): void {
  let cells = 1;
  for (let at = 0; at < text.length && cells <= MOST_CELLS; at++) if (text[at] === "," || text[at] === "\n") cells++;
  if (cells <= MOST_CELLS) return;
  throw new PipewrightError(
    "LIMIT_EXCEEDED",
    `schedule ${name}: too many cells; got more than ${MOST_CELLS}, expected at most ${MOST_CELLS}. Choose another file.`,
  );
}

function cellsOf(text: string): string[][] {
  const lines = text.split(/\r?\n/);
  while (lines.at(-1)?.trim() === "") lines.pop();
  return lines.map((line) => line.split(",").map((cell) => cell.trim()));
}

function readSteps(text: string, name: string): Step[][] {
  refuseLength(text, name);
  const cells = cellsOf(text);
  const modern = isOldDialect(cells.flat()) ? toModern : (cell: string) => cell;
  return cells.map((row, line) =>
    row.flatMap((cell, column) => {
      if (cell === "") return [];
      const step = parseStep(modern(cell));
      return [step ?? refuse(name, cell, line, column, "stage, F, B, I or W, microbatch, such as 2F0")];
    }),
  );
}

/** Is B in these cells what is called I today? */
function isOldDialect(cells: readonly string[]): boolean {
  if (cells.some((cell) => /^\d+BW\d+$/.test(cell))) return true;
  const all = new Set(cells);
  return cells.some((cell) => {
    const weight = /^(\d+)W(\d+)$/.exec(cell);
    return weight !== null && all.has(`${weight[1]}B${weight[2]}`) && !all.has(`${weight[1]}I${weight[2]}`);
  });
}

function toModern(cell: string): string {
  return cell.replace(/^(\d+)B(\d+)$/, "$1I$2").replace(/^(\d+)BW(\d+)$/, "$1B$2");
}

/** A stage runs on the device that has its first cell. */
function fromSteps(rows: readonly (readonly Step[])[], name: string): Schedule {
  const pairs = rows.map((): number[] => []);
  const actions = rows.map((row, d) => {
    const line: Action[] = [];
    for (const step of row) {
      if (step.kind !== "compute") continue;
      if (step.actions.length > 1) pairs[d]!.push(line.length);
      line.push(...step.actions);
    }
    return line;
  });
  refuseStrayNumbers(actions, name);
  const most = (of: (action: Action) => number) =>
    actions.flat().reduce((top, action) => Math.max(top, of(action)), -1);
  const stages = 1 + most(({ stage }) => stage);
  const placement = new Array<number>(stages).fill(-1);
  actions.forEach((row, d) =>
    row.forEach(({ stage }) => {
      if (placement[stage] === -1) placement[stage] = d;
    }),
  );
  return {
    name,
    devices: rows.length,
    stages,
    microbatches: 1 + most(({ microbatch }) => microbatch),
    placement,
    rows: actions,
    ...(pairs.some((list) => list.length > 0) && { pairs }),
  };
}

/** Every stage and microbatch has actions of its own, so none has a number as high as the count of all actions. */
function refuseStrayNumbers(rows: readonly (readonly Action[])[], name: string): void {
  const actions = rows.flat();
  if (actions.length === 0)
    throw new PipewrightError(
      "SCHEDULE_INVALID",
      `schedule ${name}: the file holds no action; got ${rows.length} rows expected one per device, such as 0F0,0B0. Choose another file.`,
      { invariant: "V1" },
    );
  const stray = actions.find(({ stage, microbatch }) => Math.max(stage, microbatch) >= actions.length);
  if (!stray) return;
  const { stage, microbatch } = stray;
  throw new PipewrightError(
    "SCHEDULE_INVALID",
    `schedule ${name}: ${formatAction(stray)} has too high a number; got ${Math.max(stage, microbatch)} expected less than the file's ${actions.length} actions. Correct the cell.`,
    { invariant: "V2" },
  );
}

function refuse(name: string, cell: string, line: number, column: number, expected: string): never {
  throw new PipewrightError(
    "SCHEDULE_INVALID",
    `schedule ${name}: line ${line + 1}, cell ${column + 1} does not belong here; got ${JSON.stringify(cell)} expected ${expected}. Correct the cell.`,
    { invariant: "V1", line: line + 1, cell: column + 1 },
  );
}
