/** @file How PipeDream's optimizer cuts. */
import type { PartitionProblem } from "../problem.js";
import { assigned, crossings } from "../slicing.js";
import { endsFrom, modelOrder, pieces, sums } from "./sequence.js";

/**
 * PipeDream's optimizer for a straight pipeline: time of a stage is the larger of compute and of the tensors in and out,
 * which it takes to overlap (Narayanan et al. 2019, section 3.1). Over one topological order in place of its antichains.
 */
export function likePipeDream(problem: PartitionProblem): Int32Array {
  const { instance, order } = modelOrder(problem);
  const work = sums(order, instance.work);
  const { messages, bytes } = crossings(instance, order);
  const { latency, msPerByte } = instance.stages;
  const cut = (at: number): number => messages[at]! * latency[0]! + bytes[at]! * msPerByte[0]!;
  const k = pieces(problem);
  const size = order.length;
  let best = Float64Array.from({ length: size + 1 }, (_, end) =>
    end === 0 ? Infinity : Math.max(work[end]!, cut(end)),
  );
  const from: Int32Array[] = [];
  for (let s = 1; s < k; s++) {
    const next = new Float64Array(size + 1).fill(Infinity);
    const back = new Int32Array(size + 1);
    for (let end = s + 1; end <= size; end++)
      for (let begin = end - 1; begin >= s && work[end]! - work[begin]! < next[end]!; begin--) {
        const value = Math.max(best[begin]!, work[end]! - work[begin]!, cut(begin), cut(end));
        if (value >= next[end]!) continue;
        next[end] = value;
        back[end] = begin;
      }
    best = next;
    from.push(back);
  }
  return assigned(order, endsFrom(from, size));
}
