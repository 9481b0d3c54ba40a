/**
 * @file Interleaved 1F1B: 1F1B over several stages per device, stage s on device s mod D. Microbatches go in groups;
 * a device runs a group through its first stage, then through its next, … Narayanan et al. 2021 (arXiv 2104.04473,
 * Megatron-LM). Bubble (D − 1)·(F + B) / V for V stages per device and times of a whole device.
 *
 * There are max(1, M div D) groups of equal size, as PyTorch's rounds; Megatron-LM's groups of D if D divides M.
 *
 * # interleaved-1f1b  devices 2  stages 4  microbatches 4   f 1  b 2   makespan 27  bubble 11.1 %
 * d0  0F0 0F1 2F0 2F1 0F2 ... 2B0 === 0F3 2B1 === 2F2 0B0 === 2F3 0B1 === ... 2B2 === ... 2B3 === 0B2 === 0B3 ===
 * d1  ... 1F0 1F1 3F0 3B0 === 3F1 3B1 === 1F2 1B0 === 1F3 1B1 === 3F2 3B2 === 3F3 3B3 === 1B2 === 1B3 === ... ...
 */
import type { Action, Phase, Schedule } from "./action.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement, refuseSize } from "./size.js";

/** Two stages per device by default, stage s on device s mod D. @throws USAGE for a size it cannot run. */
export function interleaved1f1b(size: ScheduleSize): Schedule {
  checkSize("interleaved-1f1b", size, "several");
  const { devices, microbatches } = size;
  const stagesPerDevice = size.stagesPerDevice ?? 2;
  const group = groupSize("interleaved-1f1b", size);
  const placement = loopedPlacement(devices, stagesPerDevice);
  const total = microbatches * stagesPerDevice;

  const nth = (k: number, phase: Phase, device: number): Action => {
    const turn = Math.floor(k / group) % stagesPerDevice;
    const loop = phase === "F" ? turn : stagesPerDevice - 1 - turn;
    const microbatch = Math.floor(k / (group * stagesPerDevice)) * group + (k % group);
    return { stage: loop * devices + device, phase, microbatch };
  };
  const rows = Array.from({ length: devices }, (_, device) => {
    const warmup = Math.min(2 * (devices - 1 - device) + (stagesPerDevice - 1) * group, total);
    const row: Action[] = [];
    for (let k = 0; k < total + warmup; k++) {
      if (k < total) row.push(nth(k, "F", device));
      if (k >= warmup) row.push(nth(k - warmup, "B", device));
    }
    return row;
  });
  return { name: "interleaved-1f1b", devices, stages: placement.length, microbatches, placement, rows };
}

/** Microbatches per group, as equal as PyTorch's rounds: M / max(1, M div D). */
export function groupSize(schedule: string, size: ScheduleSize): number {
  const { devices, microbatches } = size;
  const groups = Math.max(1, Math.floor(microbatches / devices));
  if (microbatches % groups === 0) return microbatches / groups;
  refuseSize(
    schedule,
    `microbatches do not fall into ${groups} equal groups of at least one per device; got ${microbatches} microbatches on ${devices} devices`,
    size,
    `Use ${microbatches - (microbatches % devices)} or ${microbatches + devices - (microbatches % devices)} microbatches`,
  );
}
