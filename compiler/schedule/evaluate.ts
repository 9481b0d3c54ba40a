/**
 * @file Makespan of task rows, many times over: the simulation of simulate.ts on Tasks, without allocating. A row
 * that misses what it needs gives Infinity.
 */
import type { Tasks } from "./tasks.js";

const NOBODY = -1;

/** Holds the times of the last complete evaluation. A run is task · microbatches + k. */
export class Evaluator {
  readonly tasks: Tasks;
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** Run whose message came last, −1 if none. */
  readonly awaitedRun: Int32Array;
  /** Runs of each device in order, and the place of each run in that order. */
  readonly runs: readonly Int32Array[];
  readonly positionOf: Int32Array;
  /** Device that ends last. */
  lastDevice = 0;
  evaluations = 0;
  private readonly tailMs: Float64Array;
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
  private readonly deliveries: PackedDeliveries;

  /** `tailMs`: Ms that must pass after each run (bound.ts); lets a hopeless evaluation end early. */
  constructor(tasks: Tasks, tailMs: Float64Array) {
    const { count, microbatches, devices, ofDevice } = tasks;
    const runs = count * microbatches;
    this.tasks = tasks;
    this.tailMs = tailMs;
    this.startMs = new Float64Array(runs);
    this.endMs = new Float64Array(runs);
    this.readyMs = new Float64Array(runs);
    this.awaitedRun = new Int32Array(runs);
    this.runs = ofDevice.map((local) => new Int32Array(local.length * microbatches));
    this.positionOf = new Int32Array(runs);
    this.missing = new Uint8Array(runs);
    this.allMissing = Uint8Array.from({ length: runs }, (_, run) => tasks.awaited[Math.floor(run / microbatches)]!);
    this.counts = new Int32Array(count);
    this.next = new Int32Array(devices);
    this.freeMs = new Float64Array(devices);
    this.linkFreeMs = new Float64Array(devices * devices);
    this.blockedAt = new Int32Array(devices);
    this.stack = new Int32Array(2 * devices);
    this.deliveries = packDeliveries(tasks);
  }

  /**
   * Makespan; Infinity on deadlock or as soon as it is sure to pass `limitMs`.
   * Requires: each row has all its tasks once per microbatch, F before I before W.
   */
  run(rows: readonly Uint16Array[], limitMs = Infinity): number {
    const { startMs, endMs, readyMs, tailMs, awaitedRun, positionOf, missing, counts, next, freeMs, linkFreeMs } = this;
    const { blockedAt, stack } = this;
    const { microbatches, devices, ms, device } = this.tasks;
    const { first, to, link, wireMs, latencyMs } = this.deliveries;
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
      const runs = this.runs[d]!;
      let i = next[d]!;
      let time = freeMs[d]!;
      for (; i < row.length; i++) {
        const task = row[i]!;
        const k = counts[task]!;
        const run = task * microbatches + k;
        if (missing[run]! > 0) {
          blockedAt[d] = run;
          break;
        }
        counts[task] = k + 1;
        if (readyMs[run]! > time) time = readyMs[run]!;
        startMs[run] = time;
        time += ms[task]!;
        endMs[run] = time;
        if (time + tailMs[run]! > limitMs) return Infinity;
        runs[i] = run;
        positionOf[run] = i;
        left--;
        for (let n = first[task]!; n < first[task + 1]!; n++) {
          let arrival = time;
          const l = link[n]!;
          if (l >= 0) {
            if (linkFreeMs[l]! > arrival) arrival = linkFreeMs[l]!;
            arrival += wireMs[n]!;
            linkFreeMs[l] = arrival;
            arrival += latencyMs[n]!;
          }
          const receiver = to[n]! * microbatches + k;
          if (arrival >= readyMs[receiver]!) {
            readyMs[receiver] = arrival;
            awaitedRun[receiver] = run;
          }
          const e = device[to[n]!]!;
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

/** Deliveries of task t: first[t] … first[t+1] − 1. */
interface PackedDeliveries {
  readonly first: Int32Array;
  readonly to: Int32Array;
  readonly link: Int32Array;
  readonly wireMs: Float64Array;
  readonly latencyMs: Float64Array;
}

function packDeliveries({ deliveries, count }: Tasks): PackedDeliveries {
  const all = deliveries.flat();
  const first = new Int32Array(count + 1);
  deliveries.forEach((list, task) => (first[task + 1] = first[task]! + list.length));
  return {
    first,
    to: Int32Array.from(all, ({ to }) => to),
    link: Int32Array.from(all, ({ link }) => link),
    wireMs: Float64Array.from(all, ({ wireMs }) => wireMs),
    latencyMs: Float64Array.from(all, ({ latencyMs }) => latencyMs),
  };
}
