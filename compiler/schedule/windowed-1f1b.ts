/**
 * @file 1F1B with a window of active microbatches: backward first whenever one is ready, forward while fewer than
 * `window` microbatches are in flight. This is what SageMaker calls "interleaved"; its default window
 * (active_microbatches) is partitions + 2.
 *
 * With equal times the backward of microbatch 0 reaches device d after 2·(D − d) − 1 forwards, so no device ever keeps
 * more than min(window, 2·(D − d) − 1) in flight. A window of at least D hides link latency that plain 1F1B shows; a
 * smaller one saves memory and costs time.
 */
import type { Schedule } from "./action.js";
import { alternating } from "./alternating.js";
import type { ScheduleSize } from "./size.js";

export function windowed1f1b(size: ScheduleSize): Schedule {
  const window = size.window ?? size.devices + 2;
  return alternating("windowed-1f1b", { ...size, window }, (device) =>
    Math.min(window, 2 * (size.devices - device) - 1),
  );
}
