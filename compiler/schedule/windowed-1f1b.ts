/**
 * @file 1F1B with a window of active microbatches: backward first whenever one is ready, forward while fewer than
 * `window` microbatches are in flight. This is what SageMaker calls "interleaved"; its default window
 * (active_microbatches) is partitions + 2.
 *
 * With equal times the backward of microbatch 0 reaches device d after 2·(D − d) − 1 forwards, and at least d of the
 * active microbatches are on the devices before it. So device d keeps min(window − d, 2·(D − d) − 1) in flight, at
 * least one. A window of at least D hides link latency that plain 1F1B shows; a smaller one saves memory, costs time.
 *
 * # windowed-1f1b  devices 3  stages 3  microbatches 6   f 1  b 2   makespan 24  bubble 25.0 %
 * d0  0F0 0F1 0F2 0F3 ... ... ... 0B0 === 0F4 0B1 === 0F5 0B2 === ... 0B3 === ... 0B4 === ... 0B5 ===
 * d1  ... 1F0 1F1 1F2 ... 1B0 === 1F3 1B1 === 1F4 1B2 === 1F5 1B3 === ... 1B4 === ... 1B5 === ... ...
 * d2  ... ... 2F0 2B0 === 2F1 2B1 === 2F2 2B2 === 2F3 2B3 === 2F4 2B4 === 2F5 2B5 === ... ... ... ...
 */
import type { Schedule } from "./action.js";
import { alternating } from "./alternating.js";
import type { ScheduleSize } from "./size.js";

/** One stage per device; `window` microbatches are active, devices + 2 by default. @throws USAGE for a size it cannot run. */
export function windowed1f1b(size: ScheduleSize): Schedule {
  const { devices, window = devices + 2 } = size;
  const inFlight = (device: number) => Math.min(Math.max(1, window - device), 2 * (devices - device) - 1);
  return alternating("windowed-1f1b", size, inFlight);
}
