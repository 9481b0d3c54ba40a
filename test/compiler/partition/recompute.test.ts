/** @file Running forward passes again: what it costs, what it saves, and that it is bought only where memory asks for it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate, violations } from "../../../compiler/partition/evaluate.js";
import { partition } from "../../../compiler/partition/partition.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { chooseAgain } from "../../../compiler/partition/recompute-choice.js";
import { inlineHighs } from "../../../compiler/partition/solvers/highs.js";
import { alike, block, bruteForce, problems } from "./problems.js";

const highs = inlineHighs();

const chain: PartitionProblem = {
  graph: {
    blocks: [block(0, 4, { stashBytes: 10 }), block(1, 8, { stashBytes: 5 }), block(2, 4, { stashBytes: 2 })],
    nets: [
      { producer: 0, consumers: [1], forwardBytes: 1, gradBytes: 1 },
      { producer: 1, consumers: [2], forwardBytes: 1, gradBytes: 1 },
    ],
  },
  model: "direct",
  stages: alike(1, { inFlight: 3 }),
  link: { latencyMs: 0, bytesPerMs: 1 },
};

describe("the choice", () => {
  it("takes the cheapest bytes first and gives back what is not needed", () => {
    const offers = [
      { block: 0, ms: 1, savesBytes: 20 },
      { block: 1, ms: 2, savesBytes: 10 },
      { block: 2, ms: 1, savesBytes: 4 },
    ];
    const blocks = (needed: number) => chooseAgain(offers, needed)?.map(({ block: at }) => at);
    expect(blocks(0)).toEqual([]);
    expect(blocks(20)).toEqual([0]);
    expect(blocks(21)).toEqual([0, 1]);
    expect(blocks(30)).toEqual([0, 1]);
    expect(blocks(34)).toEqual([0, 1, 2]);
    expect(blocks(35)).toBeUndefined();
    const small = { block: 3, ms: 0.01, savesBytes: 4 };
    expect(chooseAgain([...offers, small], 20)?.map(({ block: at }) => at)).toEqual([0]);
  });
});

describe("evaluation", () => {
  const free = evaluate(chain, [0, 0, 0]);
  it("of no limit runs nothing again", () => {
    expect(evaluate({ ...chain, recompute: "auto" }, [0, 0, 0])).toEqual(free);
    expect(free.stages[0]!.peakBytes).toBe(9 + 3 * 17);
  });

  it("of a limit pays forward time for bytes", () => {
    const stages = alike(1, { inFlight: 3, memoryBytes: 60 - 20 });
    const { again, stages: out, devices } = evaluate({ ...chain, stages, recompute: "auto" }, [0, 0, 0]);
    expect(again).toEqual([0]);
    expect(out[0]!.againMs).toBe(1);
    expect(out[0]!.loadMs).toBe(free.stages[0]!.loadMs + 1);
    expect(devices[0]!.peakBytes).toBe(60 - 2.5 * 10);
  });

  it("of all runs everything again and keeps half a stash for it", () => {
    const { stages: out } = evaluate({ ...chain, recompute: "all" }, [0, 0, 0]);
    expect(out[0]!.loadMs).toBe(free.stages[0]!.loadMs + 4);
    expect(out[0]!.peakBytes).toBe(9 + 17 / 2);
  });
});

describe("partition", () => {
  it("finds what fits only if something runs again", async () => {
    const stages = alike(2, { inFlight: 3, memoryBytes: 32 });
    await expect(partition({ ...chain, stages }, { solver: highs })).rejects.toThrow("into memory");
    const { again, stageOf, certificate } = await partition({ ...chain, stages, recompute: "auto" }, { solver: highs });
    expect(again.length).toBeGreaterThan(0);
    expect(violations({ ...chain, stages, recompute: "auto" }, stageOf)).toEqual([]);
    expect(certificate.bottleneckMs).toBe(bruteForce({ ...chain, stages, recompute: "auto" }));
  });

  it.each(["auto", "all"] as const)("with %s is valid, certified and no better than brute force", (recompute) =>
    fc.assert(
      fc.asyncProperty(problems({ maxBlocks: 7, maxStages: 3 }), async (plain) => {
        const problem: PartitionProblem = { ...plain, recompute };
        const answer = await partition(problem, { solver: highs, onFault: expect.fail }).catch(() => undefined);
        const optimum = bruteForce(problem);
        if (!answer) return;
        expect(violations(problem, answer.stageOf)).toEqual([]);
        expect(answer.certificate.boundMs).toBeLessThanOrEqual(optimum * (1 + 1e-9));
        expect(answer.certificate.bottleneckMs).toBeGreaterThanOrEqual(optimum * (1 - 1e-9));
        if (recompute === "all") expect(answer.certificate.bottleneckMs).toBeLessThanOrEqual(optimum * (1 + 1.001e-4));
      }),
      { numRuns: 40, seed: 6 },
    ),
  );
});
