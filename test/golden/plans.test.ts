/** @file The plans of the reference models as text, and what must hold of every such plan. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Compiled } from "../../compiler/compile.js";
import { formatPlan } from "../../compiler/plan/print.js";
import { golden } from "../support/golden.js";
import { compileReference, REFERENCE_PLANS } from "./reference-plans.js";

describe.each(REFERENCE_PLANS)("%s on %i devices under %s", (name, devices, schedule) => {
  let compiled: Compiled;
  beforeAll(async () => {
    compiled = await compileReference(name, devices, schedule);
  });

  it("reads like its text", () => {
    golden(`plans/${name}.txt`, formatPlan(compiled.plan));
  });

  it("adds up", () => {
    const { plan, profile } = compiled;
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
    const costs = [...profile.nodes.values()];
    expect(sum(plan.stages.map(({ nodes }) => nodes))).toBe(costs.length);
    for (const time of ["forwardMs", "inputGradMs", "weightGradMs"] as const)
      expect(sum(plan.stages.map((stage) => stage[time]))).toBeCloseTo(sum(costs.map((cost) => cost[time])), 12);
    expect(sum(plan.stages.map(({ parameterBytes }) => parameterBytes))).toBe(4 * plan.model.parameters);
    const actions = plan.rows.flat().map(({ stage, phase, microbatch }) => `${stage}${phase}${microbatch}`);
    expect(new Set(actions).size).toBe(actions.length);
  });

  it("has a bottleneck between its bound and the work of one device", () => {
    const { plan } = compiled;
    const { bottleneckMs, boundMs } = plan.partition.certificate;
    expect(boundMs).toBeLessThanOrEqual(bottleneckMs);
    for (const { forwardMs, inputGradMs, weightGradMs } of plan.stages)
      expect(forwardMs + inputGradMs + weightGradMs).toBeLessThanOrEqual(bottleneckMs * (1 + 1e-9));
  });
});
