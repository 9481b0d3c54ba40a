/** @file partition(): exact methods against brute force, and properties that every answer has. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../../compiler/errors.js";
import { evaluate, violations } from "../../../compiler/partition/evaluate.js";
import { partition } from "../../../compiler/partition/partition.js";
import type { PartitionMethod } from "../../../compiler/partition/method-names.js";
import type { Partition, PartitionProblem } from "../../../compiler/partition/problem.js";
import { inlineHighs } from "../../../compiler/partition/solvers/highs.js";
import { alike, block, bruteForce, problems } from "./problems.js";

const highs = inlineHighs();

async function solve(problem: PartitionProblem, method: PartitionMethod): Promise<Partition | "infeasible"> {
  try {
    return await partition(problem, { method, solver: highs, onFault: (fault) => expect.fail(fault) });
  } catch (error) {
    if (error instanceof PipewrightError && error.code === "PLAN_INFEASIBLE") return "infeasible";
    throw error;
  }
}

async function matchesBruteForce(problem: PartitionProblem, method: PartitionMethod): Promise<void> {
  const optimum = bruteForce(problem);
  const answer = await solve(problem, method);
  if (answer === "infeasible") {
    expect(optimum).toBe(Infinity);
    return;
  }
  expect(violations(problem, answer.stageOf)).toEqual([]);
  const { stages, bottleneckMs } = evaluate(problem, answer.stageOf);
  expect(answer.loadMs).toEqual(stages.map((s) => s.loadMs));
  expect(answer.certificate.bottleneckMs).toBe(bottleneckMs);
  expect(answer.certificate.status).toBe("optimal");
  expect(bottleneckMs).toBeLessThanOrEqual(optimum * (1 + 1.0001e-4));
  expect(answer.certificate.boundMs).toBeLessThanOrEqual(optimum * (1 + 1e-9));
}

describe("exact methods", () => {
  it("ideals equal brute force", () =>
    fc.assert(
      fc.asyncProperty(problems(), (problem) => matchesBruteForce(problem, "ideals")),
      { numRuns: 150, seed: 1 },
    ));

  it("the integer programme equals brute force", () =>
    fc.assert(
      fc.asyncProperty(problems({ maxBlocks: 7, maxStages: 3 }), (problem) => matchesBruteForce(problem, "milp")),
      { numRuns: 80, seed: 2 },
    ));
});

describe("bounds and heuristics", () => {
  it("never claim more than is true", () =>
    fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const optimum = bruteForce(problem);
        const answer = await solve(problem, "slicing");
        if (answer === "infeasible") return;
        expect(answer.certificate.boundMs).toBeLessThanOrEqual(optimum * (1 + 1e-9));
        expect(answer.certificate.bottleneckMs).toBeGreaterThanOrEqual(optimum * (1 - 1e-9));
      }),
      { numRuns: 80, seed: 3 },
    ));
});

describe("infeasible problems", () => {
  const chain: PartitionProblem = {
    graph: {
      blocks: [
        block(0, 1, { residentBytes: 10 }),
        block(1, 1, { residentBytes: 20 }),
        block(2, 1, { residentBytes: 30 }),
      ],
      nets: [
        { producer: 0, consumers: [1], forwardBytes: 1, gradBytes: 1 },
        { producer: 1, consumers: [2], forwardBytes: 1, gradBytes: 1 },
      ],
    },
    model: "direct",
    stages: alike(2, { inFlight: 2, memoryBytes: 33 }),
    link: { latencyMs: 0, bytesPerMs: 1 },
  };

  it("names the smallest memory that would fit", async () => {
    await expect(partition(chain, { solver: undefined })).rejects.toThrow(
      /got a limit of 33 bytes .* expected 34 or more/,
    );
    const enough = { ...chain, stages: alike(2, { inFlight: 2, memoryBytes: 34 }) };
    expect((await partition(enough, { solver: undefined })).stageOf).toEqual([0, 0, 1]);
  });

  it("refuses more stages than blocks", async () => {
    const problem = { ...chain, stages: alike(4) };
    await expect(partition(problem, { solver: undefined })).rejects.toThrow("got 3 blocks for 4 stages");
  });

  it("refuses pins that contradict the order", async () => {
    const problem = {
      ...chain,
      stages: alike(2),
      steering: {
        pins: [
          { block: 0, stage: 1 },
          { block: 2, stage: 0 },
        ],
      },
    };
    await expect(partition(problem, { solver: undefined })).rejects.toThrow(
      /"b0" is pinned to stage 1 .* "b2" is pinned to stage 0. Data cannot flow back./,
    );
  });
});
