/**
 * @file V-Half: half the memory of 1F1B for nearly the bubble of 1F1B. Qi et al. 2024 (arXiv 2405.15362), section 4.
 * Keeps at most ⌊(D + 2)/2⌋ device activations of two stages each. Best if F, I and W take about the same time.
 *
 * # v-half  devices 2  stages 4  microbatches 4   f 1  i 1  w 1   makespan 25  bubble 4.0 %
 * d0  0F0 0F1 0F2 3F0 3I0 3W0 3F1 ... 0I0 3I1 3W1 3F2 0W0 0F3 0I1 3I2 3W2 3F3 3I3 0I2 3W3 0I3 0W1 0W2 0W3
 * d1  ... 1F0 2F0 1F1 2F1 2I0 2W0 1I0 1W0 1F2 2F2 2I1 1I1 2W1 1F3 1W1 2F3 2I2 1I2 2I3 1I3 2W2 2W3 1W2 1W3
 */
import type { Schedule } from "./action.js";
import type { Block } from "./building-block.js";
import { repeatBlocks } from "./building-block.js";
import type { ScheduleSize } from "./size.js";
import { checkSize } from "./size.js";

/** Two stages per device, down and up again, with half the memory of 1F1B. @throws USAGE for a size it cannot run. */
export function vHalf(size: ScheduleSize): Schedule {
  checkSize("v-half", size, 2);
  const { devices } = size;
  const pause = devices % 2 === 0 ? 3 : 0;
  const blocks = Array.from({ length: devices }, (_, d): Block => {
    return [2 * d, 3 * devices - 2 - d, 3 * devices - 1 + pause + 2 * d, 6 * devices - 2 + pause - d];
  });
  return repeatBlocks({ name: "v-half", blocks, shift: 6, backwardSlots: 1 }, size.microbatches);
}
