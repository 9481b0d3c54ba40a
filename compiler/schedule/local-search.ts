/**
 * @file Local search on rows: take an action of a critical path and move it earlier in its row, or move something in
 * front of it later. Late acceptance (Burke & Bykov 2017): a candidate stays if it is no worse than the current one or
 * than the one of `memory` steps ago. Stops at the bound.
 */
import { Evaluator, repairRow } from "./evaluate.js";
import type { CounterRandom } from "./random.js";
import type { Tasks } from "./tasks.js";

export interface LocalSearchOptions {
  readonly capacity: readonly number[];
  readonly boundMs: number;
  readonly random: CounterRandom;
  /** Asked before each step; false ends the search. */
  readonly mayGoOn: () => boolean;
  readonly memory?: number;
}

export interface Found {
  readonly rows: readonly Uint16Array[];
  readonly makespanMs: number;
}

const NEAR = [1, 1, 1, 2, 3, 4, 6] as const;
const BEHIND = [0, 0, 1, 2, 4, 8] as const;
const EPSILON = 1e-9;

/** Requires: `start` has no deadlock and fits. Ensures: so does the result, and it is no slower. */
export function improve(tasks: Tasks, start: readonly Uint16Array[], options: LocalSearchOptions): Found {
  const { capacity, boundMs, random, mayGoOn, memory = 3000 } = options;
  const evaluator = new Evaluator(tasks);
  const counts = new Int32Array(tasks.count);
  const rows = start.map((row) => row.slice());
  let current = evaluator.run(rows);
  let best = current;
  let bestRows = rows.map((row) => row.slice());
  const history = new Float64Array(memory).fill(current);
  let path = criticalPath(evaluator, rows, random);
  for (let step = 0; best > boundMs + EPSILON && mayGoOn(); step++) {
    const { device, position } = path[random.below(path.length)]!;
    const row = rows[device]!;
    const moved = row.slice();
    if (random.next() < 0.5) {
      const to = Math.max(0, position - NEAR[random.below(NEAR.length)]!);
      shift(moved, position, to);
    } else {
      if (position === 0) continue;
      const from = position - 1 - random.below(Math.min(4, position));
      shift(moved, from, Math.min(row.length - 1, position + BEHIND[random.below(BEHIND.length)]!));
    }
    const slot = step % memory;
    if (repairRow(tasks, moved, capacity[device]!, counts) && !same(moved, row)) {
      rows[device] = moved;
      const makespan = evaluator.run(rows);
      if (makespan <= current + 1e-12 || makespan <= history[slot]!) {
        current = makespan;
        path = criticalPath(evaluator, rows, random);
        if (current < best - EPSILON) {
          best = current;
          bestRows = rows.map((r) => r.slice());
        }
      } else rows[device] = row;
    }
    history[slot] = current;
  }
  return { rows: bestRows, makespanMs: best };
}

/** Moves one element of a row from one position to another. */
function shift(row: Uint16Array, from: number, to: number): void {
  const task = row[from]!;
  if (to < from) row.copyWithin(to + 1, to, from);
  else row.copyWithin(from, from + 1, to + 1);
  row[to] = task;
}

function same(a: Uint16Array, b: Uint16Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Cells of one chain of actions without a gap that ends last; where two chains meet, one is drawn at random. */
function criticalPath(
  evaluator: Evaluator,
  rows: readonly Uint16Array[],
  random: CounterRandom,
): { device: number; position: number }[] {
  const { tasks, startMs, endMs, awaitedRun } = evaluator;
  const { microbatches, device } = tasks;
  const runs = rows.map((row) => {
    const counts = new Int32Array(tasks.count);
    return Int32Array.from(row, (task) => task * microbatches + counts[task]!++);
  });
  const positionOf = new Int32Array(tasks.count * microbatches);
  for (const row of runs) for (let i = 0; i < row.length; i++) positionOf[row[i]!] = i;
  let d = evaluator.lastDevice;
  let position = rows[d]!.length - 1;
  const path = [{ device: d, position }];
  for (;;) {
    const run = runs[d]![position]!;
    const before = position > 0 ? runs[d]![position - 1]! : -1;
    const byRow = before >= 0 && Math.abs(endMs[before]! - startMs[run]!) < EPSILON;
    const sender = awaitedRun[run]!;
    if (startMs[run]! < EPSILON || (!byRow && sender < 0)) return path;
    const byMessage =
      sender >= 0 && (!byRow || (endMs[sender]! <= startMs[run]! && random.next() < 0.5 && isTight(sender, run)));
    if (byMessage) {
      d = device[Math.floor(sender / microbatches)]!;
      position = positionOf[sender]!;
    } else position--;
    path.push({ device: d, position });
  }

  /** Did the message of `sender` arrive just when `run` started? True for sure if there is no queue on the link. */
  function isTight(sender: number, run: number): boolean {
    const task = Math.floor(sender / microbatches);
    const to = Math.floor(run / microbatches);
    const delivery = tasks.deliveries[task]!.find((candidate) => candidate.to === to)!;
    return Math.abs(endMs[sender]! + delivery.wireMs + delivery.latencyMs - startMs[run]!) < EPSILON;
  }
}
