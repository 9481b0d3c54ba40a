/**
 * @file List scheduling under a memory limit: always the action that can start first; of several, F, B and I before W,
 * then the one with the longest tail. A first F of a microbatch is admitted only if the stages that the same device
 * still has to run for it fit too; without this reservation, V placements run into a deadlock on memory.
 * Cost: O(n · tasks) for n actions.
 */
import type { CounterRandom } from "./random.js";
import { localStages } from "./problem.js";
import type { Tasks } from "./tasks.js";
import { TASKS_PER_STAGE, isForward, isWeightGrad } from "./tasks.js";

/** What decides between actions that could start. */
export interface ListOptions {
  readonly capacity: readonly number[];
  /** Ms that must pass after each task (bound.ts); longer ones go first. */
  readonly tailMs: Float64Array;
  /** Share by which each run's tail is stretched at random; 0 for none. */
  readonly noise: number;
  readonly random: CounterRandom;
}

/** Rows of tasks, or undefined if the memory limit ends in a deadlock. Ensures: no device keeps more than its capacity. */
export function listSchedule(
  tasks: Tasks,
  { capacity, tailMs, noise, random }: ListOptions,
): Uint16Array[] | undefined {
  const { microbatches, devices, ofDevice, device, ms, takes, returns, deliveries, awaited, count, split } = tasks;
  const rows: number[][] = Array.from({ length: devices }, () => []);
  const done = new Int32Array(count);
  const missing = Uint8Array.from(
    { length: count * microbatches },
    (_, run) => awaited[Math.floor(run / microbatches)]!,
  );
  const readyMs = new Float64Array(count * microbatches);
  const weight = Float64Array.from(tailMs, (tail, run) => {
    const own = tail + ms[Math.floor(run / microbatches)]!;
    return noise > 0 ? own * (1 + noise * random.next()) : own;
  });
  const freeMs = new Float64Array(devices);
  const linkFreeMs = new Float64Array(devices * devices);
  const kept = new Float64Array(devices);
  const { isFirst, later } = reservations(tasks);
  const total = ofDevice.reduce((sum, local) => sum + local.length * microbatches, 0);

  const canRun = (task: number, d: number): boolean => {
    const k = done[task]!;
    if (k >= microbatches || missing[task * microbatches + k]! > 0) return false;
    if (!isForward(task)) return done[task - 1]! > k;
    return !isFirst[task] || kept[d]! + takes[task]! + later[task]! <= capacity[d]! * (1 + 1e-9);
  };
  for (let placed = 0; placed < total; placed++) {
    let best = -1;
    let bestStart = Infinity;
    let bestWeight = 0;
    for (let d = 0; d < devices; d++) {
      if (freeMs[d]! > bestStart) continue;
      for (const task of ofDevice[d]!) {
        if (!canRun(task, d)) continue;
        const run = task * microbatches + done[task]!;
        const start = Math.max(freeMs[d]!, readyMs[run]!);
        const own = (isWeightGrad(task) ? -1e12 : 0) + weight[run]!;
        if (start < bestStart || (start === bestStart && own > bestWeight)) {
          best = task;
          bestStart = start;
          bestWeight = own;
        }
      }
    }
    if (best < 0) return undefined;
    const d = device[best]!;
    const k = done[best]!++;
    const end = bestStart + ms[best]!;
    freeMs[d] = end;
    rows[d]!.push(best);
    if (isForward(best)) kept[d]! += isFirst[best] ? takes[best]! + later[best]! : 0;
    else kept[d]! -= split || !isWeightGrad(best) ? returns[best]! : 0;
    for (const { to, link, wireMs, latencyMs } of deliveries[best]!) {
      let arrival = end;
      if (link >= 0) {
        arrival = linkFreeMs[link] = Math.max(end, linkFreeMs[link]!) + wireMs;
        arrival += latencyMs;
      }
      const receiver = to * microbatches + k;
      readyMs[receiver] = Math.max(readyMs[receiver]!, arrival);
      missing[receiver]!--;
    }
  }
  return rows.map((row) => Uint16Array.from(row));
}

/** Per F task: is it the first of its device and copy, and the stash of the later stages of the two. */
function reservations({ problem, takes, count, devices }: Tasks): { isFirst: boolean[]; later: Float64Array } {
  const isFirst = new Array<boolean>(count).fill(false);
  const later = new Float64Array(count);
  for (let d = 0; d < devices; d++)
    for (const local of localStages(problem, d)) {
      let sum = 0;
      for (const stage of local.toReversed()) {
        later[stage * TASKS_PER_STAGE] = sum;
        sum += takes[stage * TASKS_PER_STAGE]!;
      }
      isFirst[local[0]! * TASKS_PER_STAGE] = true;
    }
  return { isFirst, later };
}
