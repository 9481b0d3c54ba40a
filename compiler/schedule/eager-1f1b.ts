/**
 * @file Eager 1F1B: twice the warm-up of 1F1B, so that a tensor may travel for a whole F or B before it is awaited.
 * Zhuang et al. 2022 (arXiv 2211.05322), "eager-1F1B". Device d keeps 2·(D − d) − 1 microbatches in flight.
 *
 * # eager-1f1b  devices 3  stages 3  microbatches 6   f 1  b 2   makespan 24  bubble 25.0 %
 * d0  0F0 0F1 0F2 0F3 0F4 ... ... 0B0 === 0F5 0B1 === ... 0B2 === ... 0B3 === ... 0B4 === ... 0B5 ===
 * d1  ... 1F0 1F1 1F2 ... 1B0 === 1F3 1B1 === 1F4 1B2 === 1F5 1B3 === ... 1B4 === ... 1B5 === ... ...
 * d2  ... ... 2F0 2B0 === 2F1 2B1 === 2F2 2B2 === 2F3 2B3 === 2F4 2B4 === 2F5 2B5 === ... ... ... ...
 */
import type { Schedule } from "./action.js";
import { alternating } from "./alternating.js";
import type { ScheduleSize } from "./size.js";

/** One stage per device; device d keeps 2·(D − d) − 1 microbatches. @throws USAGE for a size it cannot run. */
export function eager1f1b(size: ScheduleSize): Schedule {
  return alternating("eager-1f1b", size, (device) => 2 * (size.devices - device) - 1);
}
