/**
 * @file ZB-V: stages down the devices and up again, so that the last stage is on the first device. Qi et al. 2023
 * (arXiv 2401.10241), section 6; the order is PyTorch's ZBVZeroBubble. For F = I = W no device idles between its first
 * and last action, the bubble of the makespan is (D − 1)·F for times of one stage, and every device keeps at most
 * 2·D stage activations, as the first does in 1F1B.
 */
import type { Schedule } from "./action.js";
import { RowBuilder } from "./row-builder.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, vPlacement } from "./size.js";

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
