/** @file The partitioner as the search calls it: every problem once, and all of them within one time limit. */
import { partition } from "../partition/partition.js";
import type { PartitionOptions } from "../partition/partition.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import { isLimited } from "./fit-memory.js";

/**
 * Cuts problems, equal ones once, within one time limit for all: each gets half of what is left.
 * Requires: problems of one graph under the same steering.
 */
export class Cutter {
  readonly #options: PartitionOptions;
  readonly #startMs: number;
  readonly #known = new Map<string, Promise<Partition>>();

  constructor(options: PartitionOptions) {
    this.#options = options;
    this.#startMs = options.nowMs?.() ?? 0;
  }

  isTimeUp(): boolean {
    return this.#options.cancelled?.() === true || this.#leftMs() <= 0;
  }

  cut(problem: PartitionProblem): Promise<Partition> {
    const { stages, model, link, recompute = "none" } = problem;
    const told = isLimited(problem) ? stages : stages.map((stage) => ({ ...stage, inFlight: 0 }));
    const key = JSON.stringify([told, model, link, recompute]);
    let known = this.#known.get(key);
    if (!known) {
      const { timeLimitMs, nowMs } = this.#options;
      const limit = timeLimitMs === undefined || !nowMs ? {} : { timeLimitMs: Math.max(1, this.#leftMs() / 2) };
      known = partition(problem, { ...this.#options, ...limit });
      known.catch(() => undefined);
      this.#known.set(key, known);
    }
    return known;
  }

  #leftMs(): number {
    const { timeLimitMs, nowMs } = this.#options;
    return timeLimitMs === undefined || !nowMs ? Infinity : timeLimitMs - (nowMs() - this.#startMs);
  }
}
