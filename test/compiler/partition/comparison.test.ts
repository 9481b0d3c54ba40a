/** @file Other tools' cuts: the published rules on small cases, and never better than what is proven. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutLike } from "../../../compiler/partition/comparison/methods.js";
import { OTHER_METHODS } from "../../../compiler/partition/method-names.js";
import { seatsByDHondt } from "../../../compiler/partition/comparison/smp.js";
import { evaluate, violations } from "../../../compiler/partition/evaluate.js";
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
    expect(Array.from(cutLike("torchgpipe", problem))).toEqual([0, 0, 1, 1, 1]);
    expect(Array.from(cutLike("pipedream", problem))).toEqual([0, 0, 0, 1, 1]);
    expect(Array.from(cutLike("smp", problem, 0))).toEqual([0, 0, 1, 1, 1]);
    expect(Array.from(cutLike("smp", problem, 1))).toEqual([0, 0, 1, 1, 1]);
  });

  it("cut in the data flow's order and never beat the optimum", () =>
    fc.assert(
      fc.asyncProperty(problems({ memory: false, unlikeStages: false }), async (mixed) => {
        const problem = { ...mixed, emptyStages: true };
        const { certificate } = await partition(problem, { method: "ideals", gap: 0, solver: undefined });
        for (const method of OTHER_METHODS) {
          const answer = await partition(problem, { method, memoryWeight: 0.2, solver: undefined });
          expect(answer.solver).toBe(method);
          expect(violations(problem, answer.stageOf)).toEqual([]);
          expect(evaluate(problem, answer.stageOf).bottleneckMs).toBe(answer.certificate.bottleneckMs);
          expect(answer.certificate.bottleneckMs).toBeGreaterThanOrEqual(certificate.bottleneckMs - 1e-9);
        }
      }),
      { numRuns: 80, seed: 31 },
    ));
});
