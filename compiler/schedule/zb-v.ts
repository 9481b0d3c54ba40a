/**
 * @file ZB-V: stages down the devices and up again, so that the last stage is on the first device. Qi et al. 2023
 * (arXiv 2401.10241), section 6; the order is PyTorch's ZBVZeroBubble. For F = I = W no device idles between its first
 * and last action, the bubble of the makespan is (D − 1)·F for times of one stage, and every device keeps at most
 * 2·D stage activations, as the first does in 1F1B.
 *
 * # zb-v  devices 2  stages 4  microbatches 4   f 1  i 1  w 1   makespan 25  bubble 4.0 %
 * d0  0F0 0F1 0F2 3F0 3I0 3W0 3F1 3I1 3W1 0F3 0I0 0W0 3F2 3I2 3W2 0I1 0W1 3F3 3I3 3W3 0I2 0W2 0I3 0W3 ...
 * d1  ... 1F0 2F0 1F1 2F1 2I0 2W0 1F2 1I0 1W0 2F2 2I1 2W1 1F3 1I1 1W1 2F3 2I2 2W2 1I2 2I3 1I3 1W2 2W3 1W3
 */
import type { Schedule } from "./action.js";
import { RowBuilder } from "./row-builder.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, vPlacement } from "./size.js";

/** Two stages per device, down and up again. @throws USAGE for a size it cannot run. */
export function zbV(size: ScheduleSize): Schedule {
  checkSize("zb-v", size, 2);
  const { devices, microbatches } = size;
  const padded = Math.max(2 * devices - 1, microbatches);
  const rows = Array.from({ length: devices }, (_, device) =>
    row(device, devices, padded).filter(({ microbatch }) => microbatch < microbatches),
  );
  return { name: "zb-v", devices, stages: 2 * devices, microbatches, placement: vPlacement(devices), rows };
}

/** Requires: at least 2·devices − 1 microbatches. Fewer are made by leaving out the last ones. */
function row(device: number, devices: number, microbatches: number) {
  const [down, up] = [device, 2 * devices - 1 - device];
  const build = new RowBuilder();
  const backward = (stage: number) => {
    build.push(stage, "I");
    build.push(stage, "W");
  };
  const times = (count: number, block: () => void) => {
    for (let k = 0; k < count; k++) block();
  };
  times(2 * (devices - device) - 1, () => build.push(down, "F"));
  times(device, () => {
    build.push(up, "F");
    build.push(down, "F");
  });
  times(devices - device, () => {
    build.push(up, "F");
    backward(up);
  });
  while (build.count(up, "F") < microbatches) {
    if (build.count(down, "F") < microbatches) build.push(down, "F");
    backward(down);
    build.push(up, "F");
    backward(up);
  }
  times(device, () => {
    build.push(down, "I");
    build.push(up, "I");
  });
  times(devices - device, () => backward(down));
  for (const stage of [up, down]) times(microbatches - build.count(stage, "W"), () => build.push(stage, "W"));
  return build.row;
}
