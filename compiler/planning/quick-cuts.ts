/** @file Cuts of the partitioner for a search for the least memory to start from. */
import type { PipewrightError } from "../errors.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import { cutTightly, withoutLimits } from "./fit-memory.js";
import { unlessInfeasible } from "./infeasible.js";

/** The quick cuts that hold least and the fastest ones, with no, some and all forward passes running again if they may. */
export async function quickCuts(
  problem: PartitionProblem,
  quick: (problem: PartitionProblem) => Promise<Partition>,
  onRefusal: (error: PipewrightError) => void,
): Promise<readonly (readonly number[])[]> {
  const { recompute, ...without } = problem;
  const cuts: (readonly number[])[] = [];
  for (const own of recompute === "auto" ? [problem, without, { ...without, recompute: "all" as const }] : [problem])
    for (const cutter of [() => cutTightly(own, quick), () => quick(withoutLimits(own))]) {
      const cut = await unlessInfeasible(cutter, onRefusal);
      if (cut) cuts.push(cut.stageOf);
    }
  return [...new Map(cuts.map((stageOf) => [stageOf.join(), stageOf])).values()];
}
