/**
 * @file 1F1B-V: whole backwards on a V placement with about two thirds of the memory of 1F1B. Qi et al. 2024 (arXiv
 * 2405.15362), appendix; the block is that of sail-sg/zero-bubble's v1f1b.
 *
 * # 1f1b-v  devices 2  stages 4  microbatches 4   f 1  b 2   makespan 28  bubble 14.3 %
 * d0  0F0 0F1 0F2 3F0 3B0 === 3F1 3B1 === 0F3 0B0 === 3F2 3B2 === ... 0B1 === 3F3 3B3 === ... 0B2 === ... ... 0B3 ===
 * d1  ... 1F0 2F0 1F1 2F1 ... 2B0 === 1B0 === 1F2 2F2 2B1 === 1B1 === 1F3 2F3 2B2 === 1B2 === 2B3 === 1B3 === ... ...
 */
import type { Schedule } from "./action.js";
import type { Block } from "./building-block.js";
import { repeatBlocks } from "./building-block.js";
import type { ScheduleSize } from "./size.js";
import { checkSize } from "./size.js";

/** Two stages per device, down and up again, with whole backwards. @throws USAGE for a size it cannot run. */
export function oneForwardOneBackwardV(size: ScheduleSize): Schedule {
  checkSize("1f1b-v", size, 2);
  return repeatBlocks(
    { name: "1f1b-v", blocks: blocksOf(size.devices), shift: 6, backwardSlots: 2 },
    size.microbatches,
  );
}

/** Backwards go two slots apart, with a pause of three after every third device so that none meets a forward. */
function blocksOf(devices: number): Block[] {
  const blocks = Array.from({ length: devices }, (_, d): [number, number, number, number] => [
    d,
    2 * devices - 1 - d,
    0,
    0,
  ]);
  let slot = 2 * devices + (devices % 3 === 0 ? 3 : 0);
  let sincePause = (3 - ((devices + 2) % 3)) % 3;
  const place = (device: number, kind: 2 | 3) => {
    blocks[device]![kind] = slot;
    slot += 2;
    if (++sincePause < 3) return;
    sincePause = 0;
    slot += 3;
  };
  for (let d = 0; d < devices; d++) place(d, 2);
  for (let d = devices - 1; d >= 0; d--) place(d, 3);
  return blocks;
}
