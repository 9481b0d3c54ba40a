/**
 * @file V-Half: half the memory of 1F1B for nearly the bubble of 1F1B. Qi et al. 2024 (arXiv 2405.15362), section 4.
 * Keeps at most ⌊(D + 2)/2⌋ device activations of two stages each. Best if F, I and W take about the same time.
 */
import type { Schedule } from "./action.js";
import type { Block } from "./building-block.js";
import { repeatBlocks } from "./building-block.js";
import type { ScheduleSize } from "./size.js";
import { checkSize } from "./size.js";

export function vHalf(size: ScheduleSize): Schedule {
  checkSize("v-half", size, 2);
  const { devices } = size;
  const pause = devices % 2 === 0 ? 3 : 0;
  const blocks = Array.from({ length: devices }, (_, d): Block => {
    return [2 * d, 3 * devices - 2 - d, 3 * devices - 1 + pause + 2 * d, 6 * devices - 2 + pause - d];
  });
  return repeatBlocks({ name: "v-half", blocks, shift: 6, backwardSlots: 1 }, size.microbatches);
}
