/**
 * @file Chimera: two copies of the model run through the devices in opposite directions, each as 1F1B, and each fills
 * the idle slots of the other. Li & Hoefler 2021 (arXiv 2107.06925), with direct concatenation for more than D
 * microbatches. Device d holds stage d of copy 0 and stage D − 1 − d of copy 1; even microbatches run through copy 0.
 *
 * With slots of F = B, microbatch k of a copy has F on its stage s in slot s + 2·k and B in slot 2·D − 1 − s + 2·k, and
 * every D microbatches (D/2 of each copy) all start again 2·D slots later. No two fall on one slot: on a device, F of
 * one copy and B of the other have the same parity, but all those Fs come before those Bs. Bubble D − 2 slots.
 *
 * # chimera  devices 4  stages 8  microbatches 4   f 1  b 1   makespan 10  bubble 20.0 %
 * d0  0F0 0F2 ... 7F1 7B1 7F3 7B3 0B0 ... 0B2
 * d1  ... 1F0 6F1 1F2 6F3 6B1 1B0 6B3 1B2 ...
 * d2  ... 5F1 2F0 5F3 2F2 2B0 5B1 2B2 5B3 ...
 * d3  4F1 4F3 ... 3F0 3B0 3F2 3B2 4B1 ... 4B3
 */
import type { Action, Schedule } from "./action.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, refuseSize } from "./size.js";

/** Two stage entries per device, one of each copy of the model. @throws USAGE for a size it cannot run. */
export function chimera(size: ScheduleSize): Schedule {
  checkSize("chimera", size, 2);
  const { devices, microbatches } = size;
  if (devices % 2 === 1)
    refuseSize(
      "chimera",
      `needs an even number of devices; got ${devices}`,
      size,
      `Use ${devices + 1} devices or 1f1b`,
    );
  if (microbatches % 2 === 1)
    refuseSize(
      "chimera",
      `needs an even number of microbatches; got ${microbatches}`,
      size,
      `Use ${microbatches + 1} microbatches`,
    );
  const rows = Array.from({ length: devices }, (_, device) => {
    const slots: { slot: number; action: Action }[] = [];
    for (let microbatch = 0; microbatch < microbatches; microbatch++) {
      const copy = microbatch % 2;
      const position = copy === 0 ? device : devices - 1 - device;
      const stage = copy * devices + position;
      const k = Math.floor(microbatch / 2);
      const start = 2 * devices * Math.floor(k / (devices / 2)) + 2 * (k % (devices / 2));
      slots.push({ slot: start + position, action: { stage, phase: "F", microbatch } });
      slots.push({ slot: start + 2 * devices - 1 - position, action: { stage, phase: "B", microbatch } });
    }
    return slots.sort((a, b) => a.slot - b.slot).map(({ action }) => action);
  });
  return {
    name: "chimera",
    devices,
    stages: 2 * devices,
    microbatches,
    placement: Array.from({ length: 2 * devices }, (_, s) => (s < devices ? s : 2 * devices - 1 - s)),
    rows,
    replicas: 2,
    replicaOf: Array.from({ length: microbatches }, (_, m) => m % 2),
  };
}
