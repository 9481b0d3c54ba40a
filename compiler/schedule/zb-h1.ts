/**
 * @file ZB-H1: 1F1B with B split, so that W fills the cool-down. Qi et al. 2023 (arXiv 2401.10241), section 2.3.
 * Device d starts its Ws d steps after its Is; every device keeps at most D microbatches, as the first does in 1F1B.
 * Bubble (D − 1)·(F + I − W).
 */
import type { Schedule } from "./action.js";
import { interleavedZeroBubble } from "./interleaved-zb.js";
import type { ScheduleSize } from "./size.js";
import { checkSize } from "./size.js";

export function zbH1(size: ScheduleSize): Schedule {
  checkSize("zb-h1", size, 1);
  return { ...interleavedZeroBubble({ ...size, stagesPerDevice: 1 }), name: "zb-h1" };
}
