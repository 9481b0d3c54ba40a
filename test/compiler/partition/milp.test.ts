/** @file The integer programme: HiGHS against javascript-lp-solver, and solvers that lie. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closureOf } from "../../../compiler/partition/closure.js";
import { evaluate } from "../../../compiler/partition/evaluate.js";
import { instanceOf } from "../../../compiler/partition/instance.js";
import { checkedSolve } from "../../../compiler/partition/milp.js";
import type { MilpModel, MilpResult, MilpSolver } from "../../../compiler/partition/milp.js";
import { partitionMilp } from "../../../compiler/partition/milp-model.js";
import { partition } from "../../../compiler/partition/partition.js";
import { stageWindows } from "../../../compiler/partition/windows.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { inlineHighs } from "../../../compiler/partition/solvers/highs.js";
import { jslpSolver } from "../../../compiler/partition/solvers/jslp.js";
import { alike, block, problems } from "./problems.js";

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

describe("a solver that lies", () => {
  const chain: PartitionProblem = {
    graph: {
      blocks: [0, 7, 5, 4, 3, 6, 2, 5, 1].map((ms, v) => block(v, ms)),
      nets: [1, 2, 3, 4, 5, 6, 7].map((v) => ({
        producer: 0,
        consumers: [v, 8],
        forwardBytes: 1 + (v % 3),
        gradBytes: 0,
      })),
    },
    model: "relay",
    stages: alike(3),
    link: { latencyMs: 0, bytesPerMs: 4 },
  };
  const point = (model: MilpModel): Float64Array => model.start!.slice();
  const lies: [string, (model: MilpModel) => MilpResult | Promise<MilpResult>, RegExp][] = [
    ["calls it infeasible", () => ({ status: "infeasible", bound: Infinity }), /called a model infeasible/],
    ["has an unknown status", () => ({ status: "done" as "optimal", bound: 0 }), /status done/],
    ["answers NaN", (m) => ({ status: "optimal", values: point(m).fill(NaN), bound: 0 }), /breaks the model/],
    ["has a NaN bound", (m) => ({ status: "optimal", values: point(m), bound: NaN }), /bound is no number/],
    ["claims too high a bound", (m) => ({ status: "optimal", values: point(m), bound: 2 }), /above a known solution/],
    ["claims a bound without a point", () => ({ status: "unknown", bound: 2 }), /above a known solution/],
    ["is optimal without a point", () => ({ status: "optimal", bound: 0 }), /optimal without a solution/],
    ["gives half a point", (m) => ({ status: "optimal", values: point(m).slice(1), bound: 0 }), /values for/],
    ["breaks a row", (m) => ({ status: "optimal", values: point(m).fill(0, 0, 1), bound: 0 }), /breaks the model/],
    ["rejects", () => Promise.reject(new Error("null function")), /null function/],
  ];

  it.each(lies)("%s: the heuristic plan is returned", async (_, answer, fault) => {
    const liar: MilpSolver = { name: "liar", maxColumns: 1e6, solve: (model) => Promise.resolve(model).then(answer) };
    const faults: string[] = [];
    const heuristic = await partition(chain, { method: "slicing", solver: undefined });
    const result = await partition(chain, { method: "milp", solver: liar, onFault: (text) => faults.push(text) });
    expect(faults).toEqual([expect.stringMatching(fault)]);
    expect(result).toEqual(heuristic);
  });
});
