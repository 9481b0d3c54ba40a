/** @file The integers that a schedule is made from, and the errors that say what to change when they do not fit. */
import { PipewrightError } from "../errors.js";

/** What to schedule. */
export interface ScheduleSize {
  readonly devices: number;
  readonly microbatches: number;
  /** Absent: what the schedule is made for (1, or 2 for the V-shaped and interleaved ones). */
  readonly stagesPerDevice?: number;
  /** Most microbatches in flight on a device; only for schedules with a window. */
  readonly window?: number;
}

/** Stops with USAGE: "subject: what is wrong; got … expected …. What to do." */
export function refuseSize(schedule: string, wrong: string, size: ScheduleSize, advice: string): never {
  throw new PipewrightError("USAGE", `schedule ${schedule}: ${wrong}. ${advice}.`, { schedule, size });
}

/** Positive integers, and as many stages per device as the schedule can run. */
export function checkSize(schedule: string, size: ScheduleSize, stagesPerDevice: "any" | "several" | number): void {
  const counts = {
    devices: size.devices,
    microbatches: size.microbatches,
    "stages per device": size.stagesPerDevice ?? 1,
  };
  for (const [what, count] of Object.entries({ ...counts, window: size.window ?? 1 })) {
    if (!Number.isInteger(count) || count < 1)
      refuseSize(
        schedule,
        `bad number of ${what}; got ${count} expected a whole number of at least 1`,
        size,
        `Change ${what}`,
      );
  }
  const given = size.stagesPerDevice;
  if (given === undefined || stagesPerDevice === "any") return;
  if (stagesPerDevice === "several" ? given >= 2 : given === stagesPerDevice) return;
  const expected = stagesPerDevice === "several" ? "2 or more" : `${stagesPerDevice}`;
  const other = given === 1 ? "1f1b or zb-h1" : given === 2 ? "interleaved-1f1b or zb-v" : "interleaved-1f1b";
  refuseSize(
    schedule,
    `cannot run this many stages per device; got ${given} expected ${expected}`,
    size,
    `Set stages per device to ${stagesPerDevice === "several" ? 2 : stagesPerDevice}, or choose ${other}`,
  );
}

/** Stage s on device s mod devices. */
export function loopedPlacement(devices: number, stagesPerDevice: number): number[] {
  return Array.from({ length: devices * stagesPerDevice }, (_, stage) => stage % devices);
}

/** Down the devices and up again: stage s and stage 2·devices − 1 − s share a device. */
export function vPlacement(devices: number): number[] {
  return wavePlacement(devices, 2);
}

/** Down, up, down, … as many times as there are stages per device. */
export function wavePlacement(devices: number, stagesPerDevice: number): number[] {
  return Array.from({ length: devices * stagesPerDevice }, (_, stage) => {
    const step = stage % devices;
    return Math.floor(stage / devices) % 2 === 0 ? step : devices - 1 - step;
  });
}
