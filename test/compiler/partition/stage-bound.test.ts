/** @file The bound from single nodes against brute force, and where it is tight. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { instanceOf } from "../../../compiler/partition/instance.js";
import { partition } from "../../../compiler/partition/partition.js";
import { stageBound } from "../../../compiler/partition/stage-bound.js";
import { alike, block, bruteForce, problems } from "./problems.js";

describe("stageBound", () => {
  it("is never above the optimum", () =>
    fc.assert(
      fc.property(problems({ maxBlocks: 7, maxStages: 4 }), (problem) => {
        expect(stageBound(instanceOf(problem), Infinity)).toBeLessThanOrEqual(bruteForce(problem) * (1 + 1e-9));
      }),
      { numRuns: 300, seed: 41 },
    ));

  it("proves that a block with big tensors stays with its neighbours, however many stages there are", async () => {
    const problem = {
      graph: {
        blocks: [1, 1, 1, 1, 1, 1].map((ms, v) => block(v, ms)),
        nets: [1, 9, 9, 9, 1].map((bytes, v) => ({
          producer: v,
          consumers: [v + 1],
          forwardBytes: bytes,
          gradBytes: 0,
        })),
      },
      model: "direct" as const,
      stages: alike(6),
      link: { latencyMs: 0, bytesPerMs: 1 },
      emptyStages: true,
    };
    expect(stageBound(instanceOf(problem), Infinity)).toBeCloseTo(6, 6);
    const { certificate } = await partition(problem, { solver: undefined });
    expect(certificate).toMatchObject({ status: "optimal", bottleneckMs: 6 });
    expect(certificate.ownBoundMs).toBeCloseTo(6, 6);
  });
});
