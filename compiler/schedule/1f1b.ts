/**
 * @file 1F1B: each device runs some forwards to warm up, then one forward and one backward in turn, then drains.
 * Narayanan et al. 2021 (PipeDream-flush), Fan et al. 2021 (DAPPLE). Device d keeps D − d microbatches in flight;
 * bubble (D − 1)·(F + B).
 *
 * # 1f1b  devices 3  stages 3  microbatches 4   f 1  b 2   makespan 18  bubble 33.3 %
 * d0  0F0 0F1 0F2 ... ... ... ... 0B0 === 0F3 0B1 === ... 0B2 === ... 0B3 ===
 * d1  ... 1F0 1F1 ... ... 1B0 === 1F2 1B1 === 1F3 1B2 === ... 1B3 === ... ...
 * d2  ... ... 2F0 2B0 === 2F1 2B1 === 2F2 2B2 === 2F3 2B3 === ... ... ... ...
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
