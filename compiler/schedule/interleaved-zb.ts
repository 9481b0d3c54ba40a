/**
 * @file Interleaved 1F1B with B split and a warm-up shorter by one forward per device after it; Ws lag the Is by d
 * steps on device d. PyTorch's InterleavedZeroBubble; with one stage per device, Qi et al.'s ZB-H1.
 * Bubble (D − 1)·(F + I − W) for times of one stage.
 *
 * # interleaved-zb  devices 2  stages 4  microbatches 4   f 1  i 1  w 1   makespan 25  bubble 4.0 %
 * d0  0F0 0F1 2F0 2F1 ... 2I0 2W0 0F2 2I1 2W1 0F3 0I0 0W0 2F2 0I1 0W1 2F3 2I2 2W2 2I3 2W3 0I2 0W2 0I3 0W3
 * d1  ... 1F0 1F1 3F0 3I0 3F1 3I1 3W0 1F2 1I0 3W1 1F3 1I1 1W0 3F2 3I2 1W1 3F3 3I3 3W2 1I2 3W3 1I3 1W2 1W3
 */
import type { Action, Phase, Schedule } from "./action.js";
import { groupSize } from "./interleaved-1f1b.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement } from "./size.js";

/** Two stages per device by default, stage s on device s mod D. @throws USAGE for a size it cannot run. */
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
