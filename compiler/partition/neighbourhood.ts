/** @file Large-neighbourhood search: the stages around the bottleneck are solved anew while the rest stays. */
import { evaluate } from "./evaluate.js";
import type { Incumbent } from "./incumbent.js";
import { checkedSolve } from "./milp.js";
import type { MilpSolver } from "./milp.js";
import { partitionMilp } from "./milp-model.js";

/** Limits of the search and of each programme in it. */
export interface NeighbourhoodOptions {
  readonly solver: MilpSolver;
  readonly gap: number;
  readonly maxColumns: number;
  readonly nodeLimit: number;
  readonly maxSolves: number;
  /** Of the next programme. Undefined: no limit. */
  readonly timeLimitMs: () => number | undefined;
  readonly cancelled: () => boolean;
  readonly onFault: (fault: string) => void;
}

/** A better window must improve by this share. */
const IMPROVEMENT = 1e-5;

/**
 * Takes windows of two to four adjacent stages that hold a stage of the slowest device and solves each exactly, everything else
 * fixed; repeats from the new bottleneck until no window helps. Shaw 1998. One programme of O(free nodes · window)
 * columns each.
 */
export async function searchNeighbourhood(best: Incumbent, options: NeighbourhoodOptions): Promise<void> {
  const { instance, problem } = best;
  const k = instance.stages.count;
  const tried = new Set<string>();
  let solves = 0;
  const windowsAround = (slowest: readonly number[]): [number, number][] => {
    const out: [number, number][] = [];
    for (let width = 2; width <= Math.min(4, k); width++)
      for (let low = 0; low + width <= k; low++)
        if (slowest.some((s) => low <= s && s < low + width)) out.push([low, low + width - 1]);
    return out;
  };
  const improve = async ([low, high]: [number, number]): Promise<boolean> => {
    const stageOf = best.stageOf!;
    const within = (s: number): boolean => s >= low && s <= high;
    const windows = {
      first: stageOf.map((s, v) => (within(s) ? Math.max(low, instance.first[v]!) : s)),
      last: stageOf.map((s, v) => (within(s) ? Math.min(high, instance.last[v]!) : s)),
    };
    const cutoffMs = best.bottleneckMs * (1 - IMPROVEMENT);
    const milp = partitionMilp(instance, { windows, cutoffMs, boundMs: 0, onlyFreeStages: true });
    if (milp.model.objective.length > Math.min(options.maxColumns, options.solver.maxColumns)) return false;
    const timeLimitMs = options.timeLimitMs();
    solves++;
    const answer = await checkedSolve(options.solver, milp.model, {
      relativeGap: 1e-3,
      nodeLimit: options.nodeLimit,
      ...(timeLimitMs === undefined ? {} : { timeLimitMs }),
    });
    if (answer.fault !== undefined) {
      options.onFault(answer.fault);
      return false;
    }
    return answer.values !== undefined && best.offer(milp.decode(answer.values), "neighbourhood");
  };
  while (best.stageOf && best.gap > options.gap) {
    const { devices } = evaluate(problem, best.ofBlocks(best.stageOf));
    const { stages: slowest } = devices.reduce((most, device) => (device.loadMs > most.loadMs ? device : most));
    let helped = false;
    for (const window of windowsAround(slowest)) {
      const key = `${window.join()} ${best.bottleneckMs}`;
      if (tried.has(key) || helped) continue;
      if (options.cancelled() || solves >= options.maxSolves) return;
      tried.add(key);
      helped = await improve(window);
    }
    if (!helped) return;
  }
}
