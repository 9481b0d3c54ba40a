/** @file Other tools' cuts: the published rules on small cases, and never better than what is proven. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { likePipeDream, likeSageMaker, likeTorchGpipe, seatsByDHondt } from "../../../compiler/partition/comparison.js";
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
    expect(Array.from(likeTorchGpipe(problem))).toEqual([0, 0, 1, 1, 1]);
    expect(Array.from(likePipeDream(problem))).toEqual([0, 0, 0, 1, 1]);
    expect(Array.from(likeSageMaker(problem, 0))).toEqual([0, 0, 1, 1, 1]);
    expect(Array.from(likeSageMaker(problem, 1))).toEqual([0, 0, 1, 1, 1]);
  });

  it("cut in the data flow's order and never beat the optimum", () =>
    fc.assert(
      fc.asyncProperty(problems({ memory: false, unlikeStages: false }), async (mixed) => {
        const problem = { ...mixed, emptyStages: true };
        const { certificate } = await partition(problem, { method: "ideals", gap: 0, solver: undefined });
        for (const stageOf of [likeTorchGpipe(problem), likePipeDream(problem), likeSageMaker(problem, 0.2)]) {
          expect(violations(problem, stageOf)).toEqual([]);
          expect(evaluate(problem, stageOf).bottleneckMs).toBeGreaterThanOrEqual(certificate.bottleneckMs - 1e-9);
        }
      }),
      { numRuns: 80, seed: 31 },
    ));
});
