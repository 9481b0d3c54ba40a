/**
 * @file DualPipeV: DualPipe cut in half. One copy of the model goes down the devices and up again, which gives every
 * device the two stages that DualPipe needs. Sea AI Lab 2025, "Cut-in-half"; PyTorch's DualPipeV.
 * Keeps at most 2·D + 1 stage activations. Bubble with pairs of time P and times of one stage: (D − 1)·(P + B − 3·W).
 *
 * # dualpipe-v  devices 2  stages 4  microbatches 4   f 1  b 2  i 1  w 1   makespan 25  bubble 4.0 %
 * d0  0F0 0F1 0F2 3F0 3I0 3W0 3F1 0F3 3B1 === 3F2 0B0 === 3B2 === 3F3 ... 0B1 === 3B3 === 0I2 0W2 0I3 0W3
 * d1  ... 1F0 2F0 1F1 2F1 1F2 2B0 === 2F2 1B0 === 1F3 2B1 === 2F3 1B1 === 2B2 === 1B2 === 2I3 1I3 2W3 1W3
 */
import type { Schedule } from "./action.js";
import { bidirectionalRow } from "./bidirectional.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, refuseSize, vPlacement } from "./size.js";

/** Two stages per device, down and up again, with overlapped pairs. @throws USAGE for a size it cannot run. */
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
