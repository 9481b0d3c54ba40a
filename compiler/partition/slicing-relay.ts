/** @file Slicing for the relay model without memory limits: near linear, for graphs of tens of thousands of nodes. */
import type { Instance } from "./instance.js";
import { boundaryWindows, crossings } from "./slicing.js";
import type { Candidate } from "./slicing.js";

/** Halvings of the interval in which the bottleneck lies. */
const HALVINGS = 44;

/**
 * A slicing of `order` with a bottleneck below `limitMs` and within 2⁻⁴⁰ of the best one's, or undefined when there is none.
 *
 * For a given limit T, position j ends stage s if some earlier i ended stage s − 1 with
 * P[j] / speed + cut[j] ≤ T + (P[i] / speed − cut[i]): one pass per stage with a running maximum; T by bisection.
 * O(halvings · nodes · stages).
 * Requires: no memory limit matters.
 */
export function sliceRelay(
  instance: Instance,
  order: ArrayLike<number>,
  boundMs: number,
  limitMs: number,
): Candidate | undefined {
  const { size, stages, work, totalWork } = instance;
  const k = stages.count;
  const { low, high } = boundaryWindows(instance, order);
  const cross = crossings(instance, order);
  const prefix = new Float64Array(size + 1);
  for (let i = 0; i < size; i++) prefix[i + 1] = prefix[i]! + work[order[i]!]!;
  const cuts: Float64Array[] = [];
  for (let b = 0; b <= k; b++) {
    const same = stages.uniformLinks && b > 1 && b < k ? cuts[1] : undefined;
    const at = (i: number): number =>
      cross.messages[i]! * stages.boundaryLatency[b]! + cross.bytes[i]! * stages.boundaryMsPerByte[b]!;
    cuts.push(same ?? Float64Array.from({ length: size + 1 }, (_, i) => at(i)));
  }

  const reaches = (limit: number, from: Int32Array[] | undefined): boolean => {
    let now = new Uint8Array(size + 1);
    let next = new Uint8Array(size + 1);
    now[0] = 1;
    let begin = 0;
    for (let s = 0; s < k; s++) {
      next.fill(0);
      const speed = stages.speed[s]!;
      const before = cuts[s]!;
      const after = cuts[s + 1]!;
      const back = from?.[s];
      let best = -Infinity;
      let bestAt = -1;
      let first = -1;
      const last = high[s + 1]!;
      for (let j = begin; j <= last; j++) {
        const end = prefix[j]! / speed;
        if (j >= low[s + 1]!) {
          const fits = best > -Infinity && end + after[j]! <= limit + best;
          const passes = stages.mayBeEmpty && now[j] === 1 && before[j]! + after[j]! <= limit;
          if (fits || passes) {
            next[j] = 1;
            if (first < 0) first = j;
            if (back) back[j] = fits ? bestAt : j;
          }
        }
        if (now[j] === 1 && end - before[j]! > best) {
          best = end - before[j]!;
          bestAt = j;
        }
      }
      if (first < 0) return false;
      begin = first;
      [now, next] = [next, now];
    }
    return now[size] === 1;
  };

  let feasible = Math.min(limitMs, 4 * totalWork + 1);
  if (limitMs === Infinity)
    while (!reaches(feasible, undefined)) {
      feasible *= 4;
      if (feasible > 1e300) return undefined;
    }
  else if (!reaches(feasible, undefined)) return undefined;
  let short = Math.min(boundMs, feasible);
  for (let i = 0; i < HALVINGS && feasible - short > 1e-12 * feasible; i++) {
    const middle = (feasible + short) / 2;
    if (reaches(middle, undefined)) feasible = middle;
    else short = middle;
  }
  if (feasible >= limitMs) return undefined;
  const from = Array.from({ length: k }, () => new Int32Array(size + 1));
  reaches(feasible, from);
  const stageOf = new Int32Array(size);
  let end = size;
  for (let s = k; s > 0; s--) {
    const start = from[s - 1]![end]!;
    for (let at = start; at < end; at++) stageOf[order[at]!] = s - 1;
    end = start;
  }
  return { stageOf, bottleneckMs: feasible };
}
