/** @file Coarsening keeps what it stands for; the search on coarse graphs finds what slicing does not. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { searchCoarse } from "../../../compiler/partition/coarse-search.js";
import { coarsen } from "../../../compiler/partition/coarsening.js";
import { closureOf } from "../../../compiler/partition/closure.js";
import { expand } from "../../../compiler/partition/contract.js";
import { evaluate, violations } from "../../../compiler/partition/evaluate.js";
import { Incumbent } from "../../../compiler/partition/incumbent.js";
import { instanceOf } from "../../../compiler/partition/instance.js";
import { candidateOrders } from "../../../compiler/partition/orders.js";
import { relayBottleneck } from "../../../compiler/partition/ideal-pool.js";
import { slicings } from "../../../compiler/partition/strategy.js";
import { alike, problems } from "./problems.js";
import { problemOf } from "../../../scripts/partition/workload.js";
import { nasnetLarge } from "../../../scripts/partition/nasnet.js";

describe("coarsen", () => {
  it("gives nodes within the limit, in topological order, whose loads are those of what they stand for", () =>
    fc.assert(
      fc.property(
        problems({ maxBlocks: 8, memory: false, unlikeStages: false }),
        fc.integer({ min: 0, max: 30 }),
        (random, heaviest) => {
          const problem = { ...random, model: "relay" as const, stages: alike(3), emptyStages: true };
          const fine = instanceOf(problem);
          const { instance, nodeOf } = coarsen(fine, heaviest);
          const members = new Map<number, number>();
          nodeOf.forEach((g) => members.set(g, (members.get(g) ?? 0) + 1));
          for (const [g, count] of members)
            if (count > 1) expect(instance.work[g]).toBeLessThanOrEqual(heaviest * (1 + 1e-12));
          expect(instance.totalWork).toBeCloseTo(fine.totalWork, 9);
          for (const order of candidateOrders(instance, closureOf(instance))) {
            const stageOf = new Int32Array(instance.size);
            order.forEach((g, at) => (stageOf[g] = Math.floor((3 * at) / instance.size)));
            const expanded = expand(nodeOf, stageOf);
            expect(violations(problem, expanded)).toEqual([]);
            expect(evaluate(problem, expanded).bottleneckMs).toBeGreaterThanOrEqual(0);
            expect(relayBottleneck(instance, stageOf)).toBeCloseTo(relayBottleneck(fine, expanded), 9);
          }
        },
      ),
      { numRuns: 100, seed: 51 },
    ));

  it("ends with nothing that it could still join", () => {
    const fine = instanceOf(problemOf({ name: "nasnet", text: nasnetLarge() }, 8, "relay"));
    const { instance } = coarsen(fine, fine.totalWork / 80);
    expect(instance.size).toBeLessThan(fine.size / 3);
    expect(coarsen(instance, fine.totalWork / 80).instance.size).toBe(instance.size);
  });
});

describe("searchCoarse", () => {
  it("beats slicing on a wide graph with many stages", async () => {
    const problem = problemOf({ name: "nasnet", text: nasnetLarge() }, 32, "relay");
    const instance = instanceOf(problem);
    const nodeOf = Int32Array.from({ length: instance.size }, (_, v) => v);
    const best = new Incumbent(problem, instance, nodeOf, 0);
    const pause = async (): Promise<void> => undefined;
    await slicings(best, closureOf(instance), pause);
    const sliced = best.bottleneckMs;
    await searchCoarse(best, { cancelled: () => false, pause });
    expect(best.method).toBe("coarse-search");
    expect(best.bottleneckMs).toBeLessThan(0.97 * sliced);
    expect(violations(problem, best.stageOf!)).toEqual([]);
  });
});
