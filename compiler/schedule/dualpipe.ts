/**
 * @file DualPipe: two copies of the model run through the devices in opposite directions, and the forward of one
 * overlaps the backward of the other. DeepSeek-AI 2024 (arXiv 2412.19437), section 3.2.1.
 * Device d holds stage d of copy 0 and stage D − 1 − d of copy 1; the first half of the microbatches runs through
 * copy 0. Keeps at most D + 1 activations and two sets of parameters. Bubble with pairs of time P:
 * (D/2 − 1)·(P + B − 3·W).
 *
 * # dualpipe  devices 4  stages 8  microbatches 8   f 1  b 2  i 1  w 1   makespan 25  bubble 4.0 %
 * d0  0F0 0F1 0F2 7F4 7I4 7W4 7F5 0F3 7B5 === 7F6 0B0 === 7B6 === 7F7 ... 0B1 === 7B7 === 0I2 0W2 0I3 0W3
 * d1  ... 1F0 6F4 1F1 6F5 1F2 6B4 === 6F6 1B0 === 1F3 6B5 === 6F7 1B1 === 6B6 === 1B2 === 6I7 1I3 6W7 1W3
 * d2  ... 5F4 2F0 5F5 2F1 5F6 2B0 === 2F2 5B4 === 5F7 2B1 === 2F3 5B5 === 2B2 === 5B6 === 2I3 5I7 2W3 5W7
 * d3  4F4 4F5 4F6 3F0 3I0 3W0 3F1 4F7 3B1 === 3F2 4B4 === 3B2 === 3F3 ... 4B5 === 3B3 === 4I6 4W6 4I7 4W7
 */
import type { Action, Schedule } from "./action.js";
import { bidirectionalRow } from "./bidirectional.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, refuseSize } from "./size.js";

/** Two stage entries per device, one of each copy of the model. @throws USAGE for a size it cannot run. */
export function dualPipe(size: ScheduleSize): Schedule {
  checkSize("dualpipe", size, 2);
  const { devices, microbatches } = size;
  if (devices % 2 === 1)
    refuseSize(
      "dualpipe",
      `needs an even number of devices; got ${devices}`,
      size,
      `Use ${devices + 1} devices or dualpipe-v`,
    );
  const least = 2 * devices;
  if (microbatches % 2 === 1 || microbatches < least)
    refuseSize(
      "dualpipe",
      `too few microbatches or an odd number; got ${microbatches} expected an even number of at least ${least}`,
      size,
      `Use ${Math.max(least, microbatches + 1)} microbatches`,
    );
  const half = microbatches / 2;
  const built = Array.from({ length: devices }, (_, device) => {
    const stages: [number, number] = [device, devices + (devices - 1 - device)];
    const firstHalf = device < devices / 2;
    return bidirectionalRow({
      near: firstHalf ? stages[0] : stages[1],
      far: firstHalf ? stages[1] : stages[0],
      distance: firstHalf ? device : devices - 1 - device,
      turn: devices / 2,
      steady: half - devices + (firstHalf ? device : devices - 1 - device) + 1,
      first: (stage) => (stage < devices ? 0 : half),
    });
  });
  return {
    name: "dualpipe",
    devices,
    stages: 2 * devices,
    microbatches,
    placement: Array.from({ length: 2 * devices }, (_, s) => (s < devices ? s : 2 * devices - 1 - s)),
    rows: built.map(({ row }): Action[] => row),
    pairs: built.map(({ pairs }) => pairs),
    replicas: 2,
    replicaOf: Array.from({ length: microbatches }, (_, m) => (m < half ? 0 : 1)),
  };
}
