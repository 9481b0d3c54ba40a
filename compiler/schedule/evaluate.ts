/**
 * @file Makespan of task rows, many times over: the simulation of simulate.ts on Tasks, without allocating. A row
 * that misses what it needs gives Infinity.
 */
import type { Tasks } from "./tasks.js";
import { isForward } from "./tasks.js";

const NOBODY = -1;

/** Holds the times of the last evaluation. A run is task · microbatches + k. */
export class Evaluator {
  readonly tasks: Tasks;
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** Run whose message came last, −1 if none. */
  readonly awaitedRun: Int32Array;
  /** Device that ends last. */
  lastDevice = 0;
  evaluations = 0;
  private readonly readyMs: Float64Array;
  private readonly missing: Uint8Array;
  private readonly allMissing: Uint8Array;
  private readonly counts: Int32Array;
  private readonly next: Int32Array;
  private readonly freeMs: Float64Array;
  private readonly linkFreeMs: Float64Array;
  /** Run that a blocked device waits for. */
  private readonly blockedAt: Int32Array;
  private readonly stack: Int32Array;

  constructor(tasks: Tasks) {
    const { count, microbatches, devices } = tasks;
    const runs = count * microbatches;
    this.tasks = tasks;
    this.startMs = new Float64Array(runs);
    this.endMs = new Float64Array(runs);
    this.readyMs = new Float64Array(runs);
    this.awaitedRun = new Int32Array(runs);
    this.missing = new Uint8Array(runs);
    this.allMissing = Uint8Array.from({ length: runs }, (_, run) => tasks.awaited[Math.floor(run / microbatches)]!);
    this.counts = new Int32Array(count);
    this.next = new Int32Array(devices);
    this.freeMs = new Float64Array(devices);
    this.linkFreeMs = new Float64Array(devices * devices);
    this.blockedAt = new Int32Array(devices);
    this.stack = new Int32Array(devices * devices + devices);
  }

  /** Makespan, or Infinity on deadlock. Requires: each row has all its tasks once per microbatch, F before I before W. */
  run(rows: readonly Uint16Array[]): number {
    const { tasks, startMs, endMs, readyMs, awaitedRun, missing, counts, next, freeMs, linkFreeMs, blockedAt, stack } =
      this;
    const { microbatches, devices, ms, deliveries, device } = tasks;
    this.evaluations++;
    missing.set(this.allMissing);
    readyMs.fill(0);
    awaitedRun.fill(NOBODY);
    counts.fill(0);
    next.fill(0);
    freeMs.fill(0);
    linkFreeMs.fill(0);
    blockedAt.fill(NOBODY);
    let top = 0;
    for (let d = devices - 1; d >= 0; d--) stack[top++] = d;
    let left = 0;
    for (let d = 0; d < devices; d++) left += rows[d]!.length;
    while (top > 0) {
      const d = stack[--top]!;
      const row = rows[d]!;
      let i = next[d]!;
      let time = freeMs[d]!;
      for (; i < row.length; i++) {
        const task = row[i]!;
        const run = task * microbatches + counts[task]!;
        if (missing[run]! > 0) {
          blockedAt[d] = run;
          break;
        }
        counts[task]!++;
        if (readyMs[run]! > time) time = readyMs[run]!;
        startMs[run] = time;
        time += ms[task]!;
        endMs[run] = time;
        left--;
        const list = deliveries[task]!;
        for (let n = 0; n < list.length; n++) {
          const { to, link, wireMs, latencyMs } = list[n]!;
          let arrival = time;
          if (link >= 0) {
            if (linkFreeMs[link]! > arrival) arrival = linkFreeMs[link]!;
            arrival += wireMs;
            linkFreeMs[link] = arrival;
            arrival += latencyMs;
          }
          const receiver = to * microbatches + (run - task * microbatches);
          if (arrival >= readyMs[receiver]!) {
            readyMs[receiver] = arrival;
            awaitedRun[receiver] = run;
          }
          const e = device[to]!;
          if (--missing[receiver]! === 0 && blockedAt[e] === receiver) {
            blockedAt[e] = NOBODY;
            stack[top++] = e;
          }
        }
      }
      next[d] = i;
      freeMs[d] = time;
    }
    if (left > 0) return Infinity;
    let makespan = 0;
    for (let d = 0; d < devices; d++) {
      if (freeMs[d]! > makespan) {
        makespan = freeMs[d]!;
        this.lastDevice = d;
      }
    }
    return makespan;
  }
}

/**
 * Makes a row fit its device: where an F would pass `capacity`, pulls the next action that gives stash back in front
 * of it. False if that does not help, or if F, I and W of a stage stand in the wrong order. Changes `row`.
 */
export function repairRow(tasks: Tasks, row: Uint16Array, capacity: number, counts: Int32Array): boolean {
  const { takes, returns } = tasks;
  const room = capacity * (1 + 1e-9);
  counts.fill(0);
  let kept = 0;
  for (let i = 0; i < row.length; i++) {
    let task = row[i]!;
    if (isForward(task) && kept + takes[task]! > room) {
      let j = i + 1;
      while (j < row.length && !(returns[row[j]!]! > 0 && counts[row[j]!]! < counts[row[j]! - 1]!)) j++;
      if (j === row.length) return false;
      const release = row[j]!;
      row.copyWithin(i + 1, i, j);
      row[i] = task = release;
    }
    if (isForward(task)) kept += takes[task]!;
    else {
      if (counts[task]! >= counts[task - 1]!) return false;
      kept -= returns[task]!;
    }
    counts[task]!++;
  }
  return true;
}
