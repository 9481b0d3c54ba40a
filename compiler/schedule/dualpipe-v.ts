/**
 * @file DualPipeV: DualPipe cut in half. One copy of the model goes down the devices and up again, which gives every
 * device the two stages that DualPipe needs. Sea AI Lab 2025, "Cut-in-half"; PyTorch's DualPipeV.
 * Keeps at most 2·D + 1 stage activations. Bubble with pairs of time P and times of one stage: (D − 1)·(P + B − 3·W).
 */
import type { Schedule } from "./action.js";
import { bidirectionalRow } from "./bidirectional.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, refuseSize, vPlacement } from "./size.js";

export function dualPipeV(size: ScheduleSize): Schedule {
  checkSize("dualpipe-v", size, 2);
  const { devices, microbatches } = size;
  const stages = 2 * devices;
  if (microbatches < stages)
    refuseSize(
      "dualpipe-v",
      `too few microbatches; got ${microbatches} expected at least one per stage, ${stages}`,
      size,
      `Use ${stages} microbatches or fewer devices`,
    );
  const built = Array.from({ length: devices }, (_, device) =>
    bidirectionalRow({
      near: device,
      far: stages - 1 - device,
      distance: device,
      turn: devices,
      steady: microbatches - stages + device + 1,
      first: () => 0,
    }),
  );
  return {
    name: "dualpipe-v",
    devices,
    stages,
    microbatches,
    placement: vPlacement(devices),
    rows: built.map(({ row }) => row),
    pairs: built.map(({ pairs }) => pairs),
  };
}
