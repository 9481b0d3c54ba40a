/**
 * @file ZB-H1: 1F1B with B split, so that W fills the cool-down. Qi et al. 2023 (arXiv 2401.10241), section 2.3.
 * Device d starts its Ws d steps after its Is; every device keeps at most D microbatches, as the first does in 1F1B.
 * Bubble (D − 1)·(F + I − W).
 *
 * # zb-h1  devices 3  stages 3  microbatches 4   f 1  i 1  w 1   makespan 14  bubble 14.3 %
 * d0  0F0 0F1 0F2 ... ... 0I0 0W0 0F3 0I1 0W1 0I2 0W2 0I3 0W3
 * d1  ... 1F0 1F1 ... 1I0 1F2 1I1 1W0 1F3 1I2 1W1 1I3 1W2 1W3
 * d2  ... ... 2F0 2I0 2F1 2I1 2F2 2I2 2W0 2F3 2I3 2W1 2W2 2W3
 */
import type { Schedule } from "./action.js";
import { interleavedZeroBubble } from "./interleaved-zb.js";
import type { ScheduleSize } from "./size.js";
import { checkSize } from "./size.js";

/** One stage per device, with the memory of 1F1B. @throws USAGE for a size it cannot run. */
export function zbH1(size: ScheduleSize): Schedule {
  checkSize("zb-h1", size, 1);
  return { ...interleavedZeroBubble({ ...size, stagesPerDevice: 1 }), name: "zb-h1" };
}
