/**
 * @file How other tools cut, rebuilt from their descriptions, to compare loads under one cost model. None proves anything
 * or knows of pins and groups.
 */
import type { OtherMethod } from "../method-names.js";
import type { PartitionProblem } from "../problem.js";
import type { OtherCut } from "./other-cut.js";
import { likePipeDream } from "./pipedream.js";
import { likeSageMaker } from "./smp.js";
import { likeTorchGpipe } from "./torchgpipe.js";

/** SageMaker's `optimize` stands for a memory weight. */
export const MEMORY_WEIGHTS = { speed: 0.2, memory: 0.8 } as const;

/** Stage of every block as the tool would choose. `memoryWeight`, 0 to 1, is for smp alone. */
export function cutLike(
  method: OtherMethod,
  problem: PartitionProblem,
  memoryWeight: number = MEMORY_WEIGHTS.memory,
): OtherCut {
  switch (method) {
    case "smp":
      return { stageOf: likeSageMaker(problem, memoryWeight) };
    case "pipedream":
      return likePipeDream(problem);
    case "torchgpipe":
      return { stageOf: likeTorchGpipe(problem) };
  }
}
