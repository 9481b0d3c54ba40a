/** @file The search over regions of ideals against brute force. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { workBound } from "../../../compiler/partition/bound.js";
import { closureOf } from "../../../compiler/partition/closure.js";
import { searchIdeals } from "../../../compiler/partition/ideal-search.js";
import { IdealSpace } from "../../../compiler/partition/ideal-space.js";
import { instanceOf } from "../../../compiler/partition/instance.js";
import { candidateOrders } from "../../../compiler/partition/orders.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { slice } from "../../../compiler/partition/slicing.js";
import { evaluate } from "../../../compiler/partition/evaluate.js";
import { bruteForce, problems } from "./problems.js";

function relay(problem: PartitionProblem): PartitionProblem {
  return { ...problem, model: "relay", emptyStages: true };
}

async function searched(problem: PartitionProblem): Promise<{ boundMs: number; bestMs: number }> {
  const instance = instanceOf(problem);
  const [order] = candidateOrders(instance, closureOf(instance));
  const first = slice(instance, order!, Infinity)!;
  let bestMs = evaluate(problem, first.stageOf).bottleneckMs;
  const boundMs = await searchIdeals(instance, {
    order: order!,
    boundMs: workBound(instance),
    limitMs: first.bottleneckMs,
    gap: 1e-6,
    maxRegions: 3000,
    cancelled: () => false,
    pause: async () => undefined,
    offer: ({ stageOf }) => (bestMs = Math.min(bestMs, evaluate(problem, stageOf).bottleneckMs)),
  });
  return { boundMs, bestMs };
}

describe("searchIdeals", () => {
  it("proves the optimum where links are alike", () =>
    fc.assert(
      fc.asyncProperty(problems({ memory: false, maxBlocks: 9 }).map(relay), async (mixed) => {
        const problem = { ...mixed, stages: mixed.stages.map(({ speed, inFlight }) => ({ speed, inFlight })) };
        const optimum = bruteForce(problem);
        const { boundMs, bestMs } = await searched(problem);
        expect(bestMs).toBeCloseTo(optimum, 5);
        expect(boundMs).toBeLessThanOrEqual(optimum * (1 + 1e-6));
        expect(boundMs).toBeGreaterThanOrEqual(optimum * (1 - 1e-5));
      }),
      { numRuns: 120, seed: 11 },
    ));

  it("never bounds above the optimum, whatever links, memory and pins", () =>
    fc.assert(
      fc.asyncProperty(problems({ maxBlocks: 8 }).map(relay), async (problem) => {
        const optimum = bruteForce(problem);
        fc.pre(optimum < Infinity);
        const roomy = { ...problem, stages: problem.stages.map((s) => ({ ...s, memoryBytes: 1e9 })) };
        expect((await searched(roomy)).boundMs).toBeLessThanOrEqual(optimum * (1 + 1e-6));
      }),
      { numRuns: 80, seed: 12 },
    ));
});

describe("regions", () => {
  it("share out all ideals, and their supports hold for each", () =>
    fc.assert(
      fc.property(problems({ memory: false, maxBlocks: 8 }).map(relay), (problem) => {
        const instance = instanceOf(problem);
        const space = new IdealSpace(instance);
        const regions = space.byPivots(Array.from({ length: instance.size }, (_, v) => v));
        for (let mask = 0; mask < 1 << instance.size; mask++) {
          const has = (v: number): boolean => ((mask >> v) & 1) === 1;
          const closed = Array.from({ length: instance.size }, (_, v) => v).every((v) => {
            const { start, entries } = instance.before;
            return !has(v) || entries.subarray(start[v]!, start[v + 1]!).every(has);
          });
          if (!closed) continue;
          const own = regions.filter(({ inside, outside }) => (inside[0]! & ~mask) === 0 && (outside[0]! & mask) === 0);
          expect(own.length).toBe(1);
          let cut = 0;
          const { nets } = instance;
          for (let e = 0; e < nets.count; e++) {
            const pins = Array.from(nets.pins.entries.subarray(nets.pins.start[e]!, nets.pins.start[e + 1]!));
            if (pins.some(has) && !pins.every(has)) cut += nets.cost[e]!;
          }
          const work = instance.work.reduce((sum, ms, v) => sum + (has(v) ? ms : 0), 0);
          for (const { slope, base } of own[0]!.supports)
            expect(cut + slope * work).toBeGreaterThanOrEqual(base - 1e-9);
        }
      }),
      { numRuns: 40, seed: 13 },
    ));
});
