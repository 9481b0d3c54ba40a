/** @file The row that all 1F1B schedules share: warm up with forwards, then one forward and one backward in turn. */
import type { Action, Schedule } from "./action.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement } from "./size.js";

/**
 * 1F1B with `inFlight(device)` microbatches in flight.
 * Requires: inFlight does not grow from device to device, or the schedule deadlocks.
 */
export function alternating(name: string, size: ScheduleSize, inFlight: (device: number) => number): Schedule {
  checkSize(name, size, 1);
  const { devices, microbatches } = size;
  const row = (stage: number): Action[] => {
    const warmup = Math.min(inFlight(stage), microbatches) - 1;
    const actions: Action[] = [];
    for (let k = 0; k < microbatches + warmup; k++) {
      if (k < microbatches) actions.push({ stage, phase: "F", microbatch: k });
      if (k >= warmup) actions.push({ stage, phase: "B", microbatch: k - warmup });
    }
    return actions;
  };
  const rows = Array.from({ length: devices }, (_, device) => row(device));
  return { name, devices, stages: devices, microbatches, placement: loopedPlacement(devices, 1), rows };
}
