/** @file The integer programme: HiGHS against javascript-lp-solver. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closureOf } from "../../../compiler/partition/closure.js";
import { evaluate } from "../../../compiler/partition/evaluate.js";
import { instanceOf } from "../../../compiler/partition/instance.js";
import { checkedSolve } from "../../../compiler/partition/milp.js";
import type { MilpSolver } from "../../../compiler/partition/milp.js";
import { partitionMilp } from "../../../compiler/partition/milp-model.js";
import { partition } from "../../../compiler/partition/partition.js";
import { stageWindows } from "../../../compiler/partition/windows.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { inlineHighs } from "../../../compiler/partition/solvers/highs.js";
import { jslpSolver } from "../../../compiler/partition/solvers/jslp.js";
import { problems } from "./problems.js";

const highs = inlineHighs();
const jslp = jslpSolver();

async function optimumBy(
  solver: MilpSolver,
  problem: PartitionProblem,
  start: readonly number[],
  cutoffMs: number,
): Promise<number> {
  const instance = instanceOf(problem);
  const windows = stageWindows(instance, closureOf(instance), cutoffMs);
  const { model, decode } = partitionMilp(instance, { windows, cutoffMs, boundMs: 0, start: Int32Array.from(start) });
  const answer = await checkedSolve(solver, model, { relativeGap: 0 });
  if (answer.fault !== undefined || answer.values === undefined) return NaN;
  return evaluate(problem, decode(answer.values)).bottleneckMs;
}

describe("two solvers", () => {
  it("agree on small programmes", () =>
    fc.assert(
      fc.asyncProperty(problems({ maxBlocks: 5, maxStages: 2, memory: false }), async (problem) => {
        fc.pre(problem.stages.length > 1);
        const { stageOf, certificate } = await partition(problem, { method: "slicing", solver: undefined });
        fc.pre(certificate.bottleneckMs > 0);
        const cutoff = certificate.bottleneckMs * (1 + 1e-9);
        const byHighs = await optimumBy(highs, problem, stageOf, cutoff);
        const byJslp = await optimumBy(jslp, problem, stageOf, cutoff);
        expect(byJslp).toBeCloseTo(byHighs, 6);
      }),
      { numRuns: 30, seed: 5 },
    ));
});
