/**
 * @file Partitions in which a device holds several stages: its load is the sum of theirs, so light stages can make up for
 * heavy ones, and cuts can go where tensors are small (Narayanan et al. 2021, arXiv 2104.04473, interleave stages for
 * the bubble; here they also serve the balance).
 */
import { DeviceLoads } from "./device-loads.js";
import type { Incumbent } from "./incumbent.js";
import type { Instance } from "./instance.js";
import { assigned } from "./slicing.js";

/** Share of a device's work that goes to its first stage, in the slicings that the descent starts from. */
const FIRST_SHARES = [0.5, 0.2, 0.35, 0.65, 0.8];
/** Assignments that are evaluated at most, and the pins that all of them together may have. */
const MOST_EVALUATIONS = 6000;
const MOST_PINS = 40_000_000;
const MOST_SWEEPS = 30;

/**
 * Slides the ends of stages along topological orders, one end at a time, to where the slowest device is fastest (ties: the
 * squares of the loads are smallest), until no end moves. O(evaluations · pins).
 */
export async function slideStages(
  best: Incumbent,
  orders: readonly ArrayLike<number>[],
  pause: () => Promise<void>,
): Promise<void> {
  const { instance } = best;
  const pins = instance.size + instance.nets.pins.entries.length;
  let budget = Math.min(MOST_EVALUATIONS, Math.ceil(MOST_PINS / pins));
  const share = Math.ceil(budget / (orders.length * FIRST_SHARES.length));
  for (const order of orders) {
    for (const first of FIRST_SHARES) {
      await pause();
      if (budget <= 0) return;
      const own = Math.min(share, budget);
      const { ends, spent } = descend(best, order, startEnds(instance, order, first), own);
      budget -= spent;
      best.offer(assigned(order, ends), "sliding");
    }
  }
}

/** Positions where stages end, each stage with its share of the work and one node at least. */
function startEnds({ size, work, totalWork, stages }: Instance, order: ArrayLike<number>, first: number): Int32Array {
  const seen = new Set<number>();
  const counts = new Int32Array(stages.devices);
  for (const d of stages.device) counts[d]!++;
  const weight = Array.from(stages.device, (d, s) => {
    const isFirst = !seen.has(d);
    seen.add(d);
    const part = counts[d] === 1 ? 1 : isFirst ? first : (1 - first) / (counts[d]! - 1);
    return part * stages.speed[s]!;
  });
  const total = weight.reduce((a, b) => a + b, 0);
  const ends = new Int32Array(stages.count);
  let at = 0;
  let done = 0;
  let target = 0;
  for (let s = 0; s < stages.count; s++) {
    target += (weight[s]! / total) * totalWork;
    const least = stages.mayBeEmpty ? at : at + 1;
    const most = stages.mayBeEmpty ? size : size - (stages.count - 1 - s);
    while (at < most && (at < least || done + work[order[at]!]! / 2 <= target)) done += work[order[at++]!]!;
    ends[s] = s === stages.count - 1 ? size : at;
  }
  return ends;
}

function descend(best: Incumbent, order: ArrayLike<number>, ends: Int32Array, budget: number) {
  const { instance, problem } = best;
  const gapBetween = instance.stages.mayBeEmpty ? 0 : 1;
  const loads = new DeviceLoads(problem);
  const { limits } = loads;
  let spent = 0;
  const cost = (): readonly [number, number] => {
    spent++;
    loads.evaluate(best.ofBlocks(assigned(order, ends)));
    let [bottleneckMs, squares, over] = [0, 0, 0];
    loads.loadMs.forEach((ms, device) => {
      bottleneckMs = Math.max(bottleneckMs, ms);
      squares += ms * ms;
      over += Math.max(0, loads.peakBytes[device]! / limits[device]! - 1);
    });
    return [bottleneckMs * (1 + over), squares];
  };
  let now = cost();
  for (let sweep = 0; sweep < MOST_SWEEPS && spent < budget; sweep++) {
    let moved = false;
    for (let s = 0; s + 1 < ends.length && spent < budget; s++) {
      const low = (s > 0 ? ends[s - 1]! : 0) + gapBetween;
      const high = ends[s + 1]! - gapBetween;
      const stride = Math.max(1, Math.floor((high - low) / Math.max(8, budget / (4 * ends.length))));
      let chosen = ends[s]!;
      for (const at of candidates(low, high, ends[s]!, stride)) {
        if (spent >= budget) break;
        ends[s] = at;
        const next = cost();
        if (next[0] > now[0] * (1 + 1e-12) || (next[0] > now[0] * (1 - 1e-12) && next[1] >= now[1] * (1 - 1e-12)))
          continue;
        now = next;
        chosen = at;
        moved = true;
      }
      ends[s] = chosen;
    }
    if (!moved) break;
  }
  return { ends, spent };
}

/** Every `stride`-th position, and the neighbours of the present one. */
function candidates(low: number, high: number, now: number, stride: number): number[] {
  const out: number[] = [];
  for (let at = low; at <= high; at += stride) if (at !== now) out.push(at);
  for (const at of [now - 1, now + 1]) if (at >= low && at <= high && stride > 1) out.push(at);
  return out;
}
