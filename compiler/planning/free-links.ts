/**
 * @file A second cut to start from where links are slow. The partitioner adds messages to the load of a device, but in a
 * step they pass while it computes: a cut that balances the work alone may be faster.
 */
import { evaluate } from "../partition/evaluate.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import { boundedCut } from "./bounded-cut.js";
import { unlessInfeasible } from "./infeasible.js";

/** Messages below this share of a stage's load move no cut far. */
const WORTH = 0.1;

/** Requires: `cut` is one of `problem`; `quick` cuts a problem. Ensures: a valid partition, with the bounds of `cut`, lowered to its own bottleneck. */
export async function cutOfWork(
  problem: PartitionProblem,
  cut: Partition,
  quick: (problem: PartitionProblem) => Promise<Partition>,
): Promise<Partition | undefined> {
  const { stages } = evaluate(problem, cut.stageOf);
  if (stages.every(({ communicationMs, loadMs }) => communicationMs <= WORTH * loadMs)) return undefined;
  const free = await unlessInfeasible(() => quick(withFreeLinks(problem)));
  return free && boundedCut(problem, free.stageOf, cut.certificate, free.solver);
}

function withFreeLinks(problem: PartitionProblem): PartitionProblem {
  const stages = problem.stages.map((stage) => {
    const own = { ...stage };
    delete own.link;
    return own;
  });
  return { ...problem, stages, link: { latencyMs: 0, bytesPerMs: Number.MAX_VALUE } };
}
