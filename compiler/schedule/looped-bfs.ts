/**
 * @file Looped breadth-first: GPipe on every stage of a device in turn, forwards up the stages and backwards down again.
 * Lamy-Poirier 2022 (arXiv 2211.05953). Backwards take the microbatches in reverse order, as PyTorch's LoopedBFS does.
 * All microbatches are in flight on all stages; bubble (D − 1)·(F + B) for times of one stage.
 */
import type { Action, Schedule } from "./action.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement } from "./size.js";

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
