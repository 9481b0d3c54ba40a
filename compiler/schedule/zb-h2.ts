/**
 * @file ZB-H2: no idle time between the first and the last action of a device, for F = I = W. Qi et al. 2023 (arXiv
 * 2401.10241), section 2.3. Keeps up to 2·D − 1 microbatches. The devices end one after the other, so that this pays
 * only if none waits for the others before its next step: bubble of the span (D − 1)·(F + I − 2·W), of the makespan
 * (D − 1)·F more.
 *
 * # zb-h2  devices 3  stages 3  microbatches 6   f 1  i 1  w 1   makespan 20  bubble 10.0 %
 * d0  0F0 0F1 0F2 0F3 0F4 0I0 0W0 0F5 0I1 0W1 0I2 0W2 0I3 0W3 0I4 0W4 0I5 0W5 ... ...
 * d1  ... 1F0 1F1 1F2 1I0 1F3 1I1 1F4 1I2 1W0 1F5 1I3 1W1 1I4 1W2 1I5 1W3 1W4 1W5 ...
 * d2  ... ... 2F0 2I0 2F1 2I1 2F2 2I2 2F3 2I3 2F4 2I4 2W0 2F5 2I5 2W1 2W2 2W3 2W4 2W5
 */
import type { Action, Schedule } from "./action.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement } from "./size.js";

/** One stage per device, with twice the memory of 1F1B. @throws USAGE for a size it cannot run. */
export function zbH2(size: ScheduleSize): Schedule {
  checkSize("zb-h2", size, 1);
  const { devices, microbatches } = size;
  const rows = Array.from({ length: devices }, (_, stage) => {
    const warmup = Math.min(2 * (devices - stage) - 1, microbatches);
    const lag = 2 * stage;
    const row: Action[] = Array.from({ length: warmup }, (_, microbatch) => ({ stage, phase: "F", microbatch }));
    for (let k = 0; k < microbatches + lag; k++) {
      if (k < microbatches) row.push({ stage, phase: "I", microbatch: k });
      if (k >= lag) row.push({ stage, phase: "W", microbatch: k - lag });
      if (k + warmup < microbatches) row.push({ stage, phase: "F", microbatch: k + warmup });
    }
    return row;
  });
  return { name: "zb-h2", devices, stages: devices, microbatches, placement: loopedPlacement(devices, 1), rows };
}
