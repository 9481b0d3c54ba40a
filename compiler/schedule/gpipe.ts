/**
 * @file GPipe: every forward, then every backward. Huang et al. 2019 (arXiv 1811.06965); "simple" in SageMaker.
 * All microbatches are in flight at once; bubble (D − 1)·(F + B).
 *
 * # gpipe  devices 3  stages 3  microbatches 4   f 1  b 2   makespan 18  bubble 33.3 %
 * d0  0F0 0F1 0F2 0F3 ... ... ... ... ... ... 0B0 === 0B1 === 0B2 === 0B3 ===
 * d1  ... 1F0 1F1 1F2 1F3 ... ... ... 1B0 === 1B1 === 1B2 === 1B3 === ... ...
 * d2  ... ... 2F0 2F1 2F2 2F3 2B0 === 2B1 === 2B2 === 2B3 === ... ... ... ...
 */
import type { Action, Schedule } from "./action.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement } from "./size.js";

/** All Fs, then all Bs, on one stage per device. @throws USAGE for a size it cannot run. */
export function gpipe(size: ScheduleSize): Schedule {
  checkSize("gpipe", size, 1);
  const { devices, microbatches } = size;
  const row = (stage: number): Action[] =>
    (["F", "B"] as const).flatMap((phase) =>
      Array.from({ length: microbatches }, (_, microbatch) => ({ stage, phase, microbatch })),
    );
  const rows = Array.from({ length: devices }, (_, device) => row(device));
  return { name: "gpipe", devices, stages: devices, microbatches, placement: loopedPlacement(devices, 1), rows };
}
