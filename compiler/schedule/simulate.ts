/**
 * @file Runs a schedule on given costs: every device takes the actions of its row in order, an action starts when the
 * device is free and all it waits for has arrived.
 *
 * A device sends in the order of its row, so the messages of a link are ordered before any time is known and the whole
 * is a longest path: one sweep, linear in actions and transfers. Cf. Qi et al. 2023 (arXiv 2401.10241), appendix F.
 */
import { PipewrightError } from "../errors.js";
import type { Schedule } from "./action.js";
import type { ScheduleCosts } from "./costs.js";
import { checkCosts } from "./costs.js";
import type { FlatSchedule } from "./flat.js";
import { flatten, usersOf } from "./flat.js";
import { inFlight, peakStash } from "./in-flight.js";
import { Messages } from "./messages.js";

/** When everything runs, from 0. `startMs[d][i]` belongs to `schedule.rows[d][i]`. */
export interface Timeline {
  readonly startMs: readonly Float64Array[];
  readonly endMs: readonly Float64Array[];
  /** End of the last action: time of one step. */
  readonly makespanMs: number;
  /** Time that each device computes. */
  readonly busyMs: readonly number[];
  /** Idle share of the makespan, over all devices. */
  readonly bubble: number;
  /** Longest time between first start and last end of a device: step time if no device waits for the others at the end. */
  readonly spanMs: number;
  /** Idle share of the span, as the Zero Bubble paper counts. */
  readonly spanBubble: number;
  /** Most microbatches in flight, per stage. */
  readonly peakActivations: readonly number[];
  /** Most that each device keeps, in the units of `costs.stash` (default: activations of one stage). */
  readonly peakStash: readonly number[];
}

/** Requires: checkSchedule accepts the schedule. @throws USAGE for costs that do not fit, SCHEDULE_INVALID on deadlock. */
export function simulate(schedule: Schedule, costs: ScheduleCosts): Timeline {
  checkCosts(schedule.stages, costs);
  const flat = flatten(schedule);
  const { startMs, endMs, done } = sweep(schedule, flat, costs);
  if (done < flat.count) {
    throw new PipewrightError(
      "SCHEDULE_INVALID",
      `schedule ${schedule.name}: deadlock; got stuck after ${done} of ${flat.count} actions expected all to run. Let checkSchedule show where.`,
    );
  }
  const perRow = (times: Float64Array) =>
    schedule.rows.map((_, d) => times.subarray(flat.rowStart[d], flat.rowStart[d + 1]));
  const starts = perRow(startMs);
  const ends = perRow(endMs);
  const busyMs = starts.map((row, d) => busy(row, ends[d]!));
  const makespanMs = Math.max(0, ...ends.map((row) => row.at(-1) ?? 0));
  const spanMs = Math.max(0, ...ends.map((row, d) => (row.at(-1) ?? 0) - (starts[d]![0] ?? 0)));
  const work = busyMs.reduce((sum, ms) => sum + ms, 0);
  const idleShare = (ms: number) => (ms > 0 ? 1 - work / (ms * schedule.devices) : 0);
  return {
    startMs: starts,
    endMs: ends,
    makespanMs,
    busyMs,
    bubble: idleShare(makespanMs),
    spanMs,
    spanBubble: idleShare(spanMs),
    peakActivations: inFlight(schedule),
    peakStash: peakStash(schedule, costs.stash),
  };
}

/** Time covered by a row; the two halves of an overlapped pair share theirs. */
function busy(starts: Float64Array, ends: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < starts.length; i++) {
    if (i > 0 && starts[i] === starts[i - 1] && ends[i] === ends[i - 1]) continue;
    sum += ends[i]! - starts[i]!;
  }
  return sum;
}

/** Ms of each action, by id. */
function durations(flat: FlatSchedule, costs: ScheduleCosts): Float64Array {
  const ms = new Float64Array(flat.count);
  for (let id = 0; id < flat.count; id++) {
    const s = flat.stage[id]!;
    const phase = flat.phase[id]!;
    if (phase === 0) ms[id] = costs.forwardMs[s]!;
    else ms[id] = (phase !== 3 ? costs.inputGradMs[s]! : 0) + (phase !== 2 ? costs.weightGradMs[s]! : 0);
  }
  return ms;
}

function sweep(schedule: Schedule, flat: FlatSchedule, costs: ScheduleCosts) {
  const { count, devices, device, rowStart, needStart } = flat;
  const ms = durations(flat, costs);
  const { start: userStart, users } = usersOf(flat);
  const messages = new Messages(schedule, flat, costs.transfers ?? []);
  const paired = costs.overlap === undefined ? undefined : pairedIds(schedule, flat);
  const startMs = new Float64Array(count);
  const endMs = new Float64Array(count);
  const readyMs = new Float64Array(count);
  const missing = new Int32Array(count);
  for (let id = 0; id < count; id++) missing[id] = needStart[id + 1]! - needStart[id]!;
  messages.countArrivals(missing);
  const next = rowStart.slice(0, devices);
  const freeMs = new Float64Array(devices);
  const waiting = Array.from({ length: devices }, (_, d) => d);
  let done = 0;

  const finish = (id: number): void => {
    const d = device[id]!;
    const sent = messages.send(id, endMs[id]!, (receiver, arrivalMs) => arrive(receiver, arrivalMs));
    if (costs.blockingSends) freeMs[d] = Math.max(freeMs[d]!, sent);
    for (let k = userStart[id]!; k < userStart[id + 1]!; k++) arrive(users[k]!, endMs[id]!);
    done++;
  };
  const arrive = (id: number, atMs: number): void => {
    if (atMs > readyMs[id]!) readyMs[id] = atMs;
    if (--missing[id]! === 0) waiting.push(device[id]!);
  };
  while (waiting.length > 0) {
    const d = waiting.pop()!;
    for (;;) {
      const id = next[d]!;
      if (id >= rowStart[d + 1]! || missing[id]! > 0) break;
      if (paired?.[id] === 1) {
        if (missing[id + 1]! > 0) break;
        const begin = Math.max(freeMs[d]!, readyMs[id]!, readyMs[id + 1]!);
        const hidden = costs.overlap! * Math.min(ms[id]!, ms[id + 1]!);
        startMs[id] = startMs[id + 1] = begin;
        endMs[id] = endMs[id + 1] = freeMs[d] = begin + ms[id]! + ms[id + 1]! - hidden;
        next[d] = id + 2;
        finish(id);
        finish(id + 1);
      } else {
        startMs[id] = Math.max(freeMs[d]!, readyMs[id]!);
        endMs[id] = freeMs[d] = startMs[id]! + ms[id]!;
        next[d] = id + 1;
        finish(id);
      }
    }
  }
  return { startMs, endMs, done };
}

/** 1 for every action that runs together with the next one. */
function pairedIds(schedule: Schedule, flat: FlatSchedule): Uint8Array | undefined {
  if (!schedule.pairs) return undefined;
  const paired = new Uint8Array(flat.count);
  schedule.pairs.forEach((positions, d) => positions.forEach((i) => (paired[flat.rowStart[d]! + i] = 1)));
  return paired;
}
