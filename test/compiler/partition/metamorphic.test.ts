/** @file Changes of a problem whose effect on the optimum is known. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { partition } from "../../../compiler/partition/partition.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { PipewrightError } from "../../../compiler/errors.js";
import { block, problems } from "./problems.js";

async function optimum(problem: PartitionProblem): Promise<number> {
  try {
    return (await partition(problem, { method: "ideals", gap: 0, solver: undefined })).certificate.bottleneckMs;
  } catch (error) {
    if (error instanceof PipewrightError) return Infinity;
    throw error;
  }
}

const runs = { numRuns: 40, seed: 7 };

describe("the optimum", () => {
  it("is the same under other names and another order of nets", () =>
    fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const { blocks, nets } = problem.graph;
        const renamed = { blocks: blocks.map((b) => ({ ...b, name: `other ${b.index}` })), nets: [...nets].reverse() };
        expect(await optimum({ ...problem, graph: renamed })).toBeCloseTo(await optimum(problem), 9);
      }),
      runs,
    ));

  it("scales with all times", () =>
    fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const slower: PartitionProblem = {
          ...problem,
          stages: problem.stages.map((s) => ({
            ...s,
            speed: s.speed / 3,
            ...(s.link ? { link: thrice(s.link) } : {}),
          })),
          link: thrice(problem.link),
        };
        expect(await optimum(slower)).toBeCloseTo(3 * (await optimum(problem)), 6);
      }),
      runs,
    ));

  it("does not grow when one stage becomes faster", () =>
    fc.assert(
      fc.asyncProperty(problems(), fc.nat(), async (problem, pick) => {
        const faster = problem.stages.map((s, i) =>
          i === pick % problem.stages.length ? { ...s, speed: s.speed * 2 } : s,
        );
        expect(await optimum({ ...problem, stages: faster })).toBeLessThanOrEqual((await optimum(problem)) + 1e-9);
      }),
      runs,
    ));

  it("does not grow with one more device, fast or not, that may stay idle and be anywhere", () =>
    fc.assert(
      fc.asyncProperty(problems({ maxStages: 3 }), fc.constantFrom(0.5, 1, 4), async (plain, speed) => {
        const problem = { ...plain, emptyStages: true };
        const added = { ...problem.stages[0]!, speed };
        const optima: number[] = [];
        for (let at = 0; at <= problem.stages.length; at++)
          optima.push(await optimum({ ...problem, stages: problem.stages.toSpliced(at, 0, added) }));
        expect(Math.min(...optima)).toBeLessThanOrEqual((await optimum(problem)) + 1e-9);
      }),
      runs,
    ));

  it("does not grow with an isolated node without work", () =>
    fc.assert(
      fc.asyncProperty(problems({ memory: false }), async (problem) => {
        const { blocks, nets } = problem.graph;
        const idle = block(blocks.length, 0, { residentBytes: 0, stashBytes: 0 });
        const graph = { blocks: [...blocks, idle], nets };
        expect(await optimum({ ...problem, graph })).toBeLessThanOrEqual((await optimum(problem)) + 1e-9);
      }),
      runs,
    ));

  it("does not grow with more memory, nor shrink with a group kept together", () =>
    fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const here = await optimum(problem);
        const roomy = problem.stages.map((s) => ({ ...s, memoryBytes: 2 * (s.memoryBytes ?? 1) }));
        expect(await optimum({ ...problem, stages: roomy })).toBeLessThanOrEqual(here + 1e-9);
        const grouped = await optimum({ ...problem, steering: { together: [[0, 1]] } });
        expect(grouped).toBeGreaterThanOrEqual(here - 1e-9);
      }),
      runs,
    ));
});

function thrice({ latencyMs, bytesPerMs }: { latencyMs: number; bytesPerMs: number }): {
  latencyMs: number;
  bytesPerMs: number;
} {
  return { latencyMs: 3 * latencyMs, bytesPerMs: bytesPerMs / 3 };
}
