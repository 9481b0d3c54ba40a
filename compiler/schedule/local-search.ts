/**
 * @file Local search on rows: moves actions of a critical path earlier in their rows. Late acceptance (Burke & Bykov
 * 2017): a candidate stays if it is no worse than the current one or than the one of `memory` steps ago. Stops at the
 * bound.
 */
import type { Evaluator } from "./evaluate.js";
import type { CounterRandom } from "./random.js";
import { repairRow } from "./repair.js";

/** Limits of a search. `memory`: steps that late acceptance looks back, 1000 by default. */
export interface LocalSearchOptions {
  readonly capacity: readonly number[];
  readonly boundMs: number;
  readonly random: CounterRandom;
  /** Asked before each step; false ends the search. */
  readonly mayGoOn: () => boolean;
  readonly memory?: number;
}

/** The best rows seen. */
export interface Found {
  readonly rows: readonly Uint16Array[];
  readonly makespanMs: number;
}

/** Distances of a move, near ones more often. */
const EARLIER = [1, 1, 1, 2, 3, 4, 6] as const;
const LATER = [0, 0, 1, 2, 4, 8] as const;
const NEARBY = 6;
/** Shares of the moves. */
const MOVE_EARLIER = 0.85;
const MOVE_ANOTHER = 0.9;
const EPSILON = 1e-9;

/** Requires: `start` has no deadlock and fits. Ensures: so does the result, and it is no slower. */
export function improve(evaluator: Evaluator, start: readonly Uint16Array[], options: LocalSearchOptions): Found {
  const { capacity, boundMs, random, mayGoOn, memory = 1000 } = options;
  const { tasks } = evaluator;
  const counts = new Int32Array(tasks.count);
  const rows = start.map((row) => row.slice());
  const spare = rows.map((row) => row.slice());
  let current = evaluator.run(rows);
  let best = current;
  let bestRows = rows.map((row) => row.slice());
  const history = new Float64Array(memory).fill(current);
  const path = new CriticalPath(evaluator, random);
  path.trace();
  for (let step = 0; best > boundMs + EPSILON && mayGoOn(); step++) {
    const cell = random.below(path.length);
    const device = path.device[cell]!;
    const position = path.position[cell]!;
    const row = rows[device]!;
    const moved = spare[device]!;
    moved.set(row);
    change(moved, position, random);
    const slot = step % memory;
    if (repairRow(tasks, moved, capacity[device]!, counts) && !same(moved, row)) {
      rows[device] = moved;
      const makespan = evaluator.run(rows, Math.max(current, history[slot]!) + EPSILON);
      if (makespan < Infinity) {
        spare[device] = row;
        current = makespan;
        path.trace();
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

/**
 * Moves the critical action earlier or, now and then, something before it later; and mostly also moves another action
 * a little. The second move makes the room, or fills the hole, of the first: without it most of the first kind are
 * undone by memory or by a W that is now in the wrong place.
 */
function change(row: Uint16Array, position: number, random: CounterRandom): void {
  const last = row.length - 1;
  if (position === 0 || random.next() < MOVE_EARLIER) {
    shift(row, position, Math.max(0, position - EARLIER[random.below(EARLIER.length)]!));
  } else {
    const from = position - 1 - random.below(Math.min(4, position));
    shift(row, from, Math.min(last, position + LATER[random.below(LATER.length)]!));
  }
  if (random.next() >= MOVE_ANOTHER) return;
  const another = random.below(row.length);
  shift(row, another, Math.max(0, Math.min(last, another + random.below(2 * NEARBY + 1) - NEARBY)));
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
class CriticalPath {
  readonly device: Int32Array;
  readonly position: Int32Array;
  length = 0;
  private readonly evaluator: Evaluator;
  private readonly random: CounterRandom;

  constructor(evaluator: Evaluator, random: CounterRandom) {
    this.evaluator = evaluator;
    this.random = random;
    this.device = new Int32Array(evaluator.startMs.length);
    this.position = new Int32Array(evaluator.startMs.length);
  }

  /** Requires: the last evaluation was complete. */
  trace(): void {
    const { tasks, runs, startMs, endMs, awaitedRun, positionOf } = this.evaluator;
    const { microbatches, device: deviceOf } = tasks;
    let d = this.evaluator.lastDevice;
    let position = runs[d]!.length - 1;
    this.length = 0;
    for (;;) {
      this.device[this.length] = d;
      this.position[this.length++] = position;
      const run = runs[d]![position]!;
      const start = startMs[run]!;
      const byRow = position > 0 && start - endMs[runs[d]![position - 1]!]! < EPSILON;
      const sender = awaitedRun[run]!;
      if (start < EPSILON || (!byRow && sender < 0)) return;
      const byMessage = sender >= 0 && (!byRow || (this.random.next() < 0.5 && this.isTight(sender, run)));
      if (byMessage) {
        d = deviceOf[Math.floor(sender / microbatches)]!;
        position = positionOf[sender]!;
      } else position--;
    }
  }

  /** Did the message of `sender` arrive just when `run` started? Not told for one that queued on its link. */
  private isTight(sender: number, run: number): boolean {
    const { tasks, startMs, endMs } = this.evaluator;
    const task = Math.floor(sender / tasks.microbatches);
    const to = Math.floor(run / tasks.microbatches);
    const delivery = tasks.deliveries[task]!.find((candidate) => candidate.to === to)!;
    return Math.abs(endMs[sender]! + delivery.wireMs + delivery.latencyMs - startMs[run]!) < EPSILON;
  }
}
