/** @file The smallest size at which each schedule shows what it is, and the times its grid is drawn with. */
import type { ScheduleCosts } from "../../../compiler/schedule/costs.js";
import { uniformCosts } from "../../../compiler/schedule/costs.js";
import type { ScheduleSize } from "../../../compiler/schedule/size.js";

export interface Smallest {
  readonly name: string;
  readonly size: ScheduleSize;
  /** Default: F = I = W = 1, so B = 2. */
  readonly costs?: (stages: number) => ScheduleCosts;
}

const equalSlots = (stages: number) => uniformCosts(stages, { inputGradMs: 0.5, weightGradMs: 0.5 });

export const SMALLEST: readonly Smallest[] = [
  { name: "gpipe", size: { devices: 3, microbatches: 4 } },
  { name: "1f1b", size: { devices: 3, microbatches: 4 } },
  { name: "eager-1f1b", size: { devices: 3, microbatches: 6 } },
  { name: "windowed-1f1b", size: { devices: 3, microbatches: 6, window: 4 } },
  { name: "interleaved-1f1b", size: { devices: 2, microbatches: 4, stagesPerDevice: 2 } },
  { name: "looped-bfs", size: { devices: 2, microbatches: 4, stagesPerDevice: 2 } },
  { name: "zb-h1", size: { devices: 3, microbatches: 4 } },
  { name: "zb-h2", size: { devices: 3, microbatches: 6 } },
  { name: "interleaved-zb", size: { devices: 2, microbatches: 4, stagesPerDevice: 2 } },
  { name: "zb-v", size: { devices: 2, microbatches: 4 } },
  { name: "v-half", size: { devices: 2, microbatches: 4 } },
  { name: "v-min", size: { devices: 3, microbatches: 3 } },
  { name: "1f1b-v", size: { devices: 2, microbatches: 4 } },
  { name: "dualpipe", size: { devices: 4, microbatches: 8 } },
  { name: "dualpipe-v", size: { devices: 2, microbatches: 4 } },
  { name: "chimera", size: { devices: 4, microbatches: 4 }, costs: equalSlots },
  { name: "wave", size: { devices: 2, microbatches: 4 } },
];
