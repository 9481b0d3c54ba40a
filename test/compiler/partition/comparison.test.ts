/** @file Other tools' cuts: the published rules on small cases, and never better than what is proven. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { antichainSets } from "../../../compiler/partition/comparison/antichains.js";
import { cutLike } from "../../../compiler/partition/comparison/methods.js";
import { OTHER_METHODS } from "../../../compiler/partition/method-names.js";
import { likePipeDream } from "../../../compiler/partition/comparison/pipedream.js";
import { seatsByDHondt } from "../../../compiler/partition/comparison/smp.js";
import { evaluate, violations } from "../../../compiler/partition/evaluate.js";
import { instanceOf } from "../../../compiler/partition/instance.js";
import { partition } from "../../../compiler/partition/partition.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { alike, block, problems } from "./problems.js";

function chain(ms: readonly number[], bytes: readonly number[], stages: number): PartitionProblem {
  return {
    graph: {
      blocks: ms.map((x, v) => block(v, x)),
      nets: bytes.map((x, v) => ({ producer: v, consumers: [v + 1], forwardBytes: x, gradBytes: 0 })),
    },
    model: "direct",
    stages: alike(stages),
    link: { latencyMs: 0, bytesPerMs: 1 },
  };
}

describe("comparison methods", () => {
  it("D'Hondt's seats for 100,000 / 80,000 / 30,000 / 20,000 votes and 8 seats", () => {
    expect(seatsByDHondt([100e3, 80e3, 30e3, 20e3], 8)).toEqual([4, 3, 1, 0]);
  });

  it("balance time alone, time against cuts, and time with memory", () => {
    const problem = chain([4, 1, 1, 2, 2], [16, 8, 2, 1], 2);
    expect(Array.from(cutLike("torchgpipe", problem).stageOf)).toEqual([0, 0, 1, 1, 1]);
    expect(Array.from(cutLike("pipedream", problem).stageOf)).toEqual([0, 0, 0, 1, 1]);
    expect(Array.from(cutLike("smp", problem, 0).stageOf)).toEqual([0, 0, 1, 1, 1]);
    expect(Array.from(cutLike("smp", problem, 1).stageOf)).toEqual([0, 0, 1, 1, 1]);
  });

  it("of PipeDream go over antichains: branches in any order, inputs first, idle outputs along", () => {
    const net = (producer: number, ...consumers: number[]) => ({ producer, consumers, forwardBytes: 0, gradBytes: 0 });
    const ms = [9, 1, 2, 4, 3, 0];
    const blocks = ms.map((x, v) => ({ ...block(v, x), name: v === 0 ? "Input0" : `layer${v}` }));
    const nets = [net(0, 3), net(1, 2, 3), net(2, 4), net(3, 4), net(3, 5)];
    const problem = { ...chain(ms, [], 2), graph: { blocks, nets } };
    const instance = instanceOf(problem);
    const sets = antichainSets(instance, new Set([0]), 10)!;
    expect(sets.map(([word]) => word!.toString(2))).toEqual(["11", "111", "101011", "101111", "111111"]);
    expect(likePipeDream(problem).stageOf).toEqual(Int32Array.of(0, 0, 1, 1, 1, 1));
    const light = { ...problem, graph: { blocks: blocks.with(0, { ...block(0, 0), name: "Input0" }), nets } };
    expect(likePipeDream(light)).toEqual({ stageOf: Int32Array.of(0, 0, 1, 0, 1, 0) });
  });

  it("of PipeDream say that they go over one order where antichains are too many or lead nowhere", () => {
    const problem = chain([4, 1, 1, 2, 2], [16, 8, 2, 1], 2);
    const { stageOf, instead } = likePipeDream(problem, 2);
    expect(instead).toBe("one order in place of its antichains");
    expect(stageOf).toEqual(likePipeDream(problem).stageOf);
    const apart = { ...problem, graph: { ...problem.graph, nets: [] } };
    expect(likePipeDream(apart).instead).toBe(instead);
  });

  it("cut in the data flow's order and never beat the optimum", () =>
    fc.assert(
      fc.asyncProperty(problems({ memory: false, unlikeStages: false }), async (mixed) => {
        const problem = { ...mixed, emptyStages: true };
        const { certificate } = await partition(problem, { method: "ideals", gap: 0, solver: undefined });
        for (const method of OTHER_METHODS) {
          const answer = await partition(problem, { method, memoryWeight: 0.2, solver: undefined });
          expect(answer.solver.split(",")[0]).toBe(method);
          expect(violations(problem, answer.stageOf)).toEqual([]);
          expect(evaluate(problem, answer.stageOf).bottleneckMs).toBe(answer.certificate.bottleneckMs);
          expect(answer.certificate.bottleneckMs).toBeGreaterThanOrEqual(certificate.bottleneckMs - 1e-9);
        }
      }),
      { numRuns: 80, seed: 31 },
    ));
});
