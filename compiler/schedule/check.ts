/**
 * @file Is this a schedule? Every action once and on its device, nothing before what it waits for, no deadlock: all
 * that later passes rely on. Linear in the number of actions. verify.ts checks the messages as well.
 */
import type { Schedule } from "./action.js";
import { formatAction } from "./action.js";
import { cellFault, completenessFault, shapeFault } from "./check-cells.js";
import { progressFault } from "./check-progress.js";
import type { Fault } from "./fault.js";
import { throwFault } from "./fault.js";

/**
 * Ensures: the promises of `Schedule`. The error shows the grid with an arrow under the first bad cell; for a deadlock
 * it lists the shortest circle of devices that wait for each other.
 * @throws SCHEDULE_INVALID
 */
export function checkSchedule(schedule: Schedule): void {
  const fault = scheduleFault(schedule);
  if (fault) {
    const rows = schedule.rows.map((row) => row.map(formatAction));
    throwFault(schedule.name, rows, fault);
  }
}

/** The first broken rule of V2, V3, V4 and V7, or undefined. Later checks need what earlier ones promise. */
export function scheduleFault(schedule: Schedule): Fault | undefined {
  return shapeFault(schedule) ?? cellFault(schedule) ?? completenessFault(schedule) ?? progressFault(schedule);
}
