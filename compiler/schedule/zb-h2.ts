/**
 * @file ZB-H2: no idle time between the first and the last action of a device, for F = I = W. Qi et al. 2023 (arXiv
 * 2401.10241), section 2.3. Keeps up to 2·D − 1 microbatches. The devices end one after the other, so that this pays
 * only if none waits for the others before its next step: bubble of the span (D − 1)·(F + I − 2·W), of the makespan
 * (D − 1)·F more.
 */
import type { Action, Schedule } from "./action.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement } from "./size.js";

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
