/**
 * @file DualPipe: two copies of the model run through the devices in opposite directions, and the forward of one
 * overlaps the backward of the other. DeepSeek-AI 2024 (arXiv 2412.19437), section 3.2.1.
 * Device d holds stage d of copy 0 and stage D − 1 − d of copy 1; the first half of the microbatches runs through
 * copy 0. Keeps at most D + 1 activations and two sets of parameters. Bubble with pairs of time P:
 * (D/2 − 1)·(P + B − 3·W).
 */
import type { Action, Schedule } from "./action.js";
import { bidirectionalRow } from "./bidirectional.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, refuseSize } from "./size.js";

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
