/** @file Several stages per device: loads add up per device, and what stays on a device costs nothing. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate, violations } from "../../../compiler/partition/evaluate.js";
import { partition } from "../../../compiler/partition/partition.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { inlineHighs } from "../../../compiler/partition/solvers/highs.js";
import { alike, block, bruteForce, problems } from "./problems.js";

const highs = inlineHighs();

/** Stage s on device s mod `devices`. */
function looped(problem: PartitionProblem, devices: number): PartitionProblem {
  const first = problem.stages;
  const stages = first.map((stage, s) => ({ ...stage, speed: first[s % devices]!.speed, device: s % devices }));
  return { ...problem, stages };
}

describe("loads", () => {
  const chain: PartitionProblem = {
    graph: {
      blocks: [block(0, 4), block(1, 1), block(2, 2), block(3, 3)],
      nets: [
        { producer: 0, consumers: [1], forwardBytes: 1, gradBytes: 1 },
        { producer: 1, consumers: [2, 3], forwardBytes: 2, gradBytes: 2 },
      ],
    },
    model: "direct",
    stages: looped({ graph: { blocks: [], nets: [] }, model: "direct", stages: alike(4), link: LINK() }, 2).stages,
    link: LINK(),
  };

  function LINK() {
    return { latencyMs: 0, bytesPerMs: 1 };
  }

  it("are the sum of a device's stages, with each device paying a tensor once", () => {
    const { devices, stages, bottleneckMs } = evaluate(chain, [0, 1, 2, 3]);
    expect(stages.map(({ computeMs }) => computeMs)).toEqual([4, 1, 2, 3]);
    expect(devices.map(({ stages: own, loadMs }) => [own, loadMs])).toEqual([
      [[0, 2], 4 + 2 + 2 + 4],
      [[1, 3], 1 + 3 + 2 + 4],
    ]);
    expect(bottleneckMs).toBe(12);
  });

  it("charge nothing for what stays on one device", () => {
    const { cuts, devices } = evaluate(
      { ...chain, graph: { ...chain.graph, nets: chain.graph.nets.slice(0, 1) } },
      [0, 2, 2, 3],
    );
    expect(cuts).toHaveLength(1);
    expect(devices.map(({ loadMs }) => loadMs)).toEqual([7, 3]);
  });
});

describe("partition", () => {
  it("equals brute force with a solver", () =>
    fc.assert(
      fc.asyncProperty(problems({ maxBlocks: 7, maxStages: 4, memory: false }), async (plain) => {
        const problem = looped(plain, Math.ceil(plain.stages.length / 2));
        const optimum = bruteForce(problem);
        const { stageOf, certificate } = await partition(problem, { solver: highs, onFault: expect.fail });
        expect(violations(problem, stageOf)).toEqual([]);
        expect(certificate.bottleneckMs).toBe(evaluate(problem, stageOf).bottleneckMs);
        expect(certificate.bottleneckMs).toBeLessThanOrEqual(optimum * (1 + 1.0001e-4) + 1e-9);
        expect(certificate.boundMs).toBeLessThanOrEqual(optimum * (1 + 1e-9));
      }),
      { numRuns: 40, seed: 3 },
    ));

  it("is valid without one, and never bounds above the optimum", () =>
    fc.assert(
      fc.asyncProperty(problems({ maxBlocks: 7, maxStages: 4 }), async (plain) => {
        const problem = looped(plain, Math.ceil(plain.stages.length / 2));
        const answer = await partition(problem, { solver: undefined }).catch(() => undefined);
        if (!answer) return;
        const optimum = bruteForce(problem);
        expect(violations(problem, answer.stageOf)).toEqual([]);
        expect(answer.certificate.boundMs).toBeLessThanOrEqual(optimum * (1 + 1e-9));
        expect(answer.certificate.bottleneckMs).toBeGreaterThanOrEqual(optimum * (1 - 1e-9));
      }),
      { numRuns: 60, seed: 4 },
    ));

  it("with two stages per device is never worse than with one, where links are free", () =>
    fc.assert(
      fc.asyncProperty(problems({ maxBlocks: 8, maxStages: 3, memory: false, unlikeStages: false }), async (plain) => {
        const link = { latencyMs: 0, bytesPerMs: Infinity };
        const one: PartitionProblem = { ...plain, model: "direct", link, emptyStages: true };
        const two = looped({ ...one, stages: [...one.stages, ...one.stages] }, one.stages.length);
        const [a, b] = [await partition(one, { solver: highs }), await partition(two, { solver: highs })];
        expect(b.certificate.bottleneckMs).toBeLessThanOrEqual(a.certificate.bottleneckMs * (1 + 1e-4) + 1e-9);
      }),
      { numRuns: 25, seed: 5 },
    ));
});
