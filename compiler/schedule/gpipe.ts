/**
 * @file GPipe: every forward, then every backward. Huang et al. 2019 (arXiv 1811.06965); "simple" in SageMaker.
 * All microbatches are in flight at once; bubble (D − 1)·(F + B).
 */
import type { Action, Schedule } from "./action.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement } from "./size.js";

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
