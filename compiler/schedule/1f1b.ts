/**
 * @file 1F1B: each device runs some forwards to warm up, then one forward and one backward in turn, then drains.
 * Narayanan et al. 2021 (PipeDream-flush), Fan et al. 2021 (DAPPLE). Device d keeps D − d microbatches in flight;
 * bubble (D − 1)·(F + B).
 */
import type { Schedule } from "./action.js";
import { alternating } from "./alternating.js";
import type { ScheduleSize } from "./size.js";
import { windowed1f1b } from "./windowed-1f1b.js";

/** With a `window`, the windowed form of windowed-1f1b.ts. */
export function oneForwardOneBackward(size: ScheduleSize): Schedule {
  if (size.window !== undefined) return windowed1f1b(size);
  return alternating("1f1b", size, (device) => size.devices - device);
}
