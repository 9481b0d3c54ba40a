/**
 * @file Wave pipelines: stages go down the devices and up again, once per wave, so that a device has two stages per
 * wave. Liu et al. 2023 (arXiv 2308.15762), "Hanayo", which leaves the order to a scheduler that prefers backwards and
 * runs whatever is ready. Here that is list scheduling for B = 2·F with a limit on the activations a device keeps; of
 * the limits D, 1.5·D and 2·D (in activations of a whole device) the smallest one that gives the shortest schedule is
 * taken. From 2·D microbatches on, the bubble is (D − 1)·(F + B) for times of one stage.
 *
 * # wave  devices 2  stages 4  microbatches 4   f 1  b 2   makespan 27  bubble 11.1 %
 * d0  0F0 0F1 0F2 3F0 3B0 === 3F1 3B1 === 0F3 3F2 3B2 === 3F3 0B0 === 3B3 === 0B1 === ... 0B2 === ... ... 0B3 ===
 * d1  ... 1F0 2F0 1F1 2F1 1F2 2F2 2B0 === 1B0 === 1F3 2F3 2B1 === 1B1 === 2B2 === 1B2 === 2B3 === 1B3 === ... ...
 */
import type { Schedule } from "./action.js";
import { boundOf } from "./bound.js";
import { uniformCosts } from "./costs.js";
import { Evaluator } from "./evaluate.js";
import { listSchedule } from "./list-schedule.js";
import { CounterRandom } from "./random.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, refuseSize, wavePlacement } from "./size.js";
import { scheduleOf, tasksOf } from "./tasks.js";

const LIMITS = [1, 1.5, 2] as const;

/** Two stages per device and wave; one wave by default. @throws USAGE for a size it cannot run. */
export function wave(size: ScheduleSize): Schedule {
  checkSize("wave", size, "several");
  const { devices, microbatches } = size;
  const stagesPerDevice = size.stagesPerDevice ?? 2;
  if (stagesPerDevice % 2 === 1)
    refuseSize(
      "wave",
      `needs two stages per device and wave; got ${stagesPerDevice} expected an even number`,
      size,
      `Set stages per device to ${stagesPerDevice + 1}`,
    );
  const placement = wavePlacement(devices, stagesPerDevice);
  const tasks = tasksOf({ devices, microbatches, placement, costs: uniformCosts(placement.length), split: false });
  const { tailMs } = boundOf(tasks);
  const evaluator = new Evaluator(tasks, tailMs);
  let best: { rows: Uint16Array[]; makespanMs: number } | undefined;
  for (const limit of LIMITS) {
    const capacity = new Array<number>(devices).fill(limit * devices * stagesPerDevice);
    const rows = listSchedule(tasks, { capacity, tailMs, noise: 0, random: new CounterRandom(1) });
    const makespanMs = rows ? evaluator.run(rows) : Infinity;
    if (rows && makespanMs < (best?.makespanMs ?? Infinity)) best = { rows, makespanMs };
  }
  return scheduleOf(tasks, best!.rows, "wave");
}
