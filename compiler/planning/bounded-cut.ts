/** @file A cut from its stages alone, with bounds that are known for its problem. */
import { certify } from "../partition/certificate.js";
import { evaluate } from "../partition/evaluate.js";
import type { Certificate, Partition, PartitionProblem } from "../partition/problem.js";

/** Bounds of a problem with less memory may be above what the cut reaches: they are lowered to that. */
export function boundedCut(
  problem: PartitionProblem,
  stageOf: readonly number[],
  { boundMs, ownBoundMs }: Pick<Certificate, "boundMs" | "ownBoundMs">,
  solver: string,
): Partition {
  const { stages, again, bottleneckMs } = evaluate(problem, stageOf);
  return {
    stageOf,
    loadMs: stages.map(({ loadMs }) => loadMs),
    again,
    certificate: certify(bottleneckMs, Math.min(bottleneckMs, boundMs), ownBoundMs),
    solver,
  };
}
