/**
 * @file Interleaved 1F1B with B split and a warm-up shorter by one forward per device after it; Ws lag the Is by d
 * steps on device d. PyTorch's InterleavedZeroBubble; with one stage per device, Qi et al.'s ZB-H1.
 * Bubble (D − 1)·(F + I − W) for times of one stage.
 */
import type { Action, Phase, Schedule } from "./action.js";
import { groupSize } from "./interleaved-1f1b.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement } from "./size.js";

export function interleavedZeroBubble(size: ScheduleSize): Schedule {
  checkSize("interleaved-zb", size, "any");
  const { devices, microbatches } = size;
  const stagesPerDevice = size.stagesPerDevice ?? 2;
  const group = stagesPerDevice === 1 ? microbatches : groupSize("interleaved-zb", size);
  const placement = loopedPlacement(devices, stagesPerDevice);
  const total = microbatches * stagesPerDevice;

  const nth = (k: number, phase: Phase, device: number): Action => {
    const turn = Math.floor(k / group) % stagesPerDevice;
    const loop = phase === "F" ? turn : stagesPerDevice - 1 - turn;
    const microbatch = Math.floor(k / (group * stagesPerDevice)) * group + (k % group);
    return { stage: loop * devices + device, phase, microbatch };
  };
  const rows = Array.from({ length: devices }, (_, device) => {
    const warmup = Math.min(devices - 1 - device + (stagesPerDevice - 1) * group, total);
    const row: Action[] = [];
    for (let k = 0; k < total + warmup + device; k++) {
      const [i, w] = [k - warmup, k - warmup - device];
      if (k < total) row.push(nth(k, "F", device));
      if (i >= 0 && i < total) row.push(nth(i, "I", device));
      if (w >= 0) row.push(nth(w, "W", device));
    }
    return row;
  });
  return { name: "interleaved-zb", devices, stages: placement.length, microbatches, placement, rows };
}
