/**
 * @file V-Min: a third of the memory of 1F1B, the least that a V placement can keep. Qi et al. 2024 (arXiv 2405.15362),
 * section 4. Keeps at most ⌊(D + 4)/3⌋ device activations of two stages each. Good only if F, I and W take about the
 * same time: otherwise the bubble grows with the number of microbatches.
 *
 * # v-min  devices 3  stages 6  microbatches 3   f 1  i 1  w 1   makespan 26  bubble 30.8 %
 * d0  0F0 0F1 0F2 ... ... 5F0 5I0 5W0 5F1 5I1 5W1 0I0 0W0 ... ... ... ... 5F2 0I1 5I2 5W2 0W1 ... ... 0I2 0W2
 * d1  ... 1F0 1F1 ... 4F0 ... 4F1 4I0 4W0 ... 1I0 1W0 4I1 1F2 4W1 ... 4F2 1I1 1W1 ... 4I2 4W2 ... 1I2 1W2 ...
 * d2  ... ... 2F0 3F0 2F1 3F1 ... ... 3I0 2I0 3W0 2W0 ... 3I1 2F2 3F2 2I1 3W1 2W1 ... ... 3I2 2I2 3W2 2W2 ...
 */
import type { Schedule } from "./action.js";
import type { Block } from "./building-block.js";
import { repeatBlocks } from "./building-block.js";
import type { ScheduleSize } from "./size.js";
import { checkSize } from "./size.js";

/** Two stages per device, down and up again, with a third of the memory of 1F1B. @throws USAGE for a size it cannot run. */
export function vMin(size: ScheduleSize): Schedule {
  checkSize("v-min", size, 2);
  const { devices } = size;
  const pause = devices % 3 === 0 ? 2 : 0;
  const blocks = Array.from({ length: devices }, (_, d): Block => {
    return [d, 2 * devices - 1 - d, 2 * devices + pause + d, 4 * devices - 1 + pause - d];
  });
  return repeatBlocks({ name: "v-min", blocks, shift: 6, backwardSlots: 1 }, size.microbatches);
}
