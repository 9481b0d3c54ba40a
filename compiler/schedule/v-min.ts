/**
 * @file V-Min: a third of the memory of 1F1B, the least that a V placement can keep. Qi et al. 2024 (arXiv 2405.15362),
 * section 4. Keeps at most ⌊(D + 4)/3⌋ device activations of two stages each. Good only if F, I and W take about the
 * same time: otherwise the bubble grows with the number of microbatches.
 */
import type { Schedule } from "./action.js";
import type { Block } from "./building-block.js";
import { repeatBlocks } from "./building-block.js";
import type { ScheduleSize } from "./size.js";
import { checkSize } from "./size.js";

export function vMin(size: ScheduleSize): Schedule {
  checkSize("v-min", size, 2);
  const { devices } = size;
  const pause = devices % 3 === 0 ? 2 : 0;
  const blocks = Array.from({ length: devices }, (_, d): Block => {
    return [d, 2 * devices - 1 - d, 2 * devices + pause + d, 4 * devices - 1 + pause - d];
  });
  return repeatBlocks({ name: "v-min", blocks, shift: 6, backwardSlots: 1 }, size.microbatches);
}
