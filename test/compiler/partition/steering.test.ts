/** @file Auto mode with pins, groups, unlike stages and memory against brute force. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../../compiler/errors.js";
import { violations } from "../../../compiler/partition/evaluate.js";
import { partition } from "../../../compiler/partition/partition.js";
import type { PartitionProblem, Steering } from "../../../compiler/partition/problem.js";
import { inlineHighs } from "../../../compiler/partition/solvers/highs.js";
import { alike, block, bruteForce, problems } from "./problems.js";

const highs = inlineHighs();

function withSteering(problem: PartitionProblem): fc.Arbitrary<PartitionProblem> {
  const size = problem.graph.blocks.length;
  const blockAt = fc.integer({ min: 0, max: size - 1 });
  return fc
    .record<Required<Steering>>({
      pins: fc.array(fc.record({ block: blockAt, stage: fc.integer({ min: 0, max: problem.stages.length - 1 }) }), {
        maxLength: 2,
      }),
      together: fc.array(fc.uniqueArray(blockAt, { minLength: 1, maxLength: 3 }), { maxLength: 2 }),
      uncut: fc.uniqueArray(fc.integer({ min: 0, max: Math.max(0, problem.graph.nets.length - 1) }), {
        maxLength: Math.min(1, problem.graph.nets.length),
      }),
    })
    .map((steering) => ({ ...problem, steering }));
}

describe("auto", () => {
  it("is optimal under pins, groups and uncut nets", () =>
    fc.assert(
      fc.asyncProperty(problems({ maxBlocks: 7, maxStages: 3 }).chain(withSteering), async (problem) => {
        const optimum = bruteForce(problem);
        let bottleneckMs = Infinity;
        try {
          const answer = await partition(problem, { solver: highs, onFault: (fault) => expect.fail(fault) });
          expect(violations(problem, answer.stageOf)).toEqual([]);
          expect(answer.certificate.status).toBe("optimal");
          ({ bottleneckMs } = answer.certificate);
        } catch (error) {
          if (!(error instanceof PipewrightError)) throw error;
        }
        if (optimum === Infinity) expect(bottleneckMs).toBe(Infinity);
        else expect(bottleneckMs).toBeLessThanOrEqual(optimum * (1 + 1.0001e-4));
      }),
      { numRuns: 120, seed: 21 },
    ));
});

describe("unlike devices", () => {
  const chain = (speeds: readonly number[]): PartitionProblem => ({
    graph: {
      blocks: Array.from({ length: 12 }, (_, v) => block(v, 1)),
      nets: Array.from({ length: 11 }, (_, v) => ({ producer: v, consumers: [v + 1], forwardBytes: 0, gradBytes: 0 })),
    },
    model: "relay",
    stages: alike(speeds.length).map((stage, s) => ({ ...stage, speed: speeds[s]! })),
    link: { latencyMs: 0, bytesPerMs: 1 },
  });

  it("get work in proportion to their speed", async () => {
    const { stageOf, loadMs } = await partition(chain([1, 2, 3]), { solver: undefined });
    for (const ms of loadMs) expect(ms).toBeCloseTo(2, 12);
    expect([0, 1, 2].map((s) => stageOf.filter((t) => t === s).length)).toEqual([2, 4, 6]);
  });

  it("avoid the boundary with a slow link", async () => {
    const problem = chain([1, 1, 1]);
    const nets = problem.graph.nets.map((net, v) => ({ ...net, forwardBytes: v === 3 || v === 8 ? 1 : 10 }));
    const slow = { latencyMs: 0, bytesPerMs: 0.25 };
    const stages = problem.stages.map((stage, s) => (s === 0 ? { ...stage, link: slow } : stage));
    const graph = { ...problem.graph, nets };
    const answer = await partition(
      { ...problem, graph, stages, link: { latencyMs: 0, bytesPerMs: 10 } },
      { solver: highs },
    );
    expect(answer.certificate.bottleneckMs).toBe(
      bruteForce({ ...problem, graph, stages, link: { latencyMs: 0, bytesPerMs: 10 } }),
    );
    expect(answer.stageOf[3]).toBe(0);
    expect(answer.stageOf[4]).toBe(1);
  });
});
