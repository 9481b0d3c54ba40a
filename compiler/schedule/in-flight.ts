/** @file How many microbatches a schedule keeps at once. It follows from the order of the rows alone, not from times. */
import type { Schedule } from "./action.js";

/** Most microbatches that stage s has in flight: F started, B or W not ended. One number per stage. */
export function inFlight(schedule: Schedule): number[] {
  const now = new Array<number>(schedule.stages).fill(0);
  const peak = new Array<number>(schedule.stages).fill(0);
  for (const row of schedule.rows) {
    for (const { stage, phase } of row) {
      if (phase === "F") peak[stage] = Math.max(peak[stage]!, ++now[stage]!);
      if (phase === "B" || phase === "W") now[stage]!--;
    }
  }
  return peak;
}

/** Activations of a stage, and the part of them that W still needs once I is done. */
export interface StashSizes {
  readonly forward: readonly number[];
  readonly weight: readonly number[];
}

/**
 * Most that each device keeps at once over all its stages, in the units of `stash` (default: activations of one
 * stage). F takes `forward`, I gives back all but `weight`, W the rest, B all.
 */
export function peakStash(schedule: Schedule, stash?: StashSizes): number[] {
  return schedule.rows.map((row) => {
    let now = 0;
    let peak = 0;
    for (const { stage, phase } of row) {
      const whole = stash?.forward[stage] ?? 1;
      const late = stash?.weight[stage] ?? whole;
      if (phase === "F") peak = Math.max(peak, (now += whole));
      else now -= phase === "B" ? whole : phase === "I" ? whole - late : late;
    }
    return peak;
  });
}
