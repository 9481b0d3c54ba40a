/**
 * @file Eager 1F1B: twice the warm-up of 1F1B, so that a tensor may travel for a whole F or B before it is awaited.
 * Zhuang et al. 2022 (arXiv 2211.05322), "eager-1F1B". Device d keeps 2·(D − d) − 1 microbatches in flight.
 */
import type { Schedule } from "./action.js";
import { alternating } from "./alternating.js";
import type { ScheduleSize } from "./size.js";

export function eager1f1b(size: ScheduleSize): Schedule {
  return alternating("eager-1f1b", size, (device) => 2 * (size.devices - device) - 1);
}
