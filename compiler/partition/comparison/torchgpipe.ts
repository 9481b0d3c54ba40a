/** @file How torchgpipe cuts. */
import type { PartitionProblem } from "../problem.js";
import { assigned } from "../slicing.js";
import { cutSequence, modelOrder, pieces, sums } from "./sequence.js";

/** torchgpipe's balance_by_time: the sequence of layers, evenly by time; what crosses is not looked at. */
export function likeTorchGpipe(problem: PartitionProblem): Int32Array {
  const { instance, order } = modelOrder(problem);
  const work = sums(order, instance.work);
  return assigned(
    order,
    cutSequence(order.length, pieces(problem), (begin, end) => work[end]! - work[begin]!),
  );
}
