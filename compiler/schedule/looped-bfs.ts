/**
 * @file Looped breadth-first: GPipe on every stage of a device in turn, forwards up the stages and backwards down again.
 * Lamy-Poirier 2022 (arXiv 2211.05953). Backwards take the microbatches in reverse order, as PyTorch's LoopedBFS does.
 * All microbatches are in flight on all stages; bubble (D − 1)·(F + B) for times of one stage.
 *
 * # looped-bfs  devices 2  stages 4  microbatches 4   f 1  b 2   makespan 27  bubble 11.1 %
 * d0  0F0 0F1 0F2 0F3 2F0 2F1 2F2 2F3 ... ... ... 2B3 === 2B2 === 2B1 === 2B0 === 0B3 === 0B2 === 0B1 === 0B0 ===
 * d1  ... 1F0 1F1 1F2 1F3 3F0 3F1 3F2 3F3 3B3 === 3B2 === 3B1 === 3B0 === 1B3 === 1B2 === 1B1 === 1B0 === ... ...
 */
import type { Action, Schedule } from "./action.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement } from "./size.js";

/** Two stages per device by default, stage s on device s mod D. @throws USAGE for a size it cannot run. */
export function loopedBfs(size: ScheduleSize): Schedule {
  checkSize("looped-bfs", size, "any");
  const { devices, microbatches } = size;
  const placement = loopedPlacement(devices, size.stagesPerDevice ?? 2);
  const rows = Array.from({ length: devices }, (_, device) => {
    const forwards: Action[] = [];
    for (let stage = device; stage < placement.length; stage += devices)
      for (let microbatch = 0; microbatch < microbatches; microbatch++)
        forwards.push({ stage, phase: "F", microbatch });
    const backwards = forwards.map((action): Action => ({ ...action, phase: "B" })).reverse();
    return [...forwards, ...backwards];
  });
  return { name: "looped-bfs", devices, stages: placement.length, microbatches, placement, rows };
}
