/** @file What a plan says of its step, where the search left the backward pass of some stages whole. */
import { describe, expect, it } from "vitest";
import { compile } from "../../../compiler/compile.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { planCosts, planSchedule } from "../../../compiler/plan/replay.js";
import type { Plan } from "../../../compiler/plan/plan.js";
import { analyticProfile } from "../../../compiler/profile/analytic.js";
import { splitStages } from "../../../compiler/schedule/action.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import type { TinyModel } from "../../support/tiny-models.js";
import { compileTiny, SGD, TIED_GPT, tinyCluster, TINY_MLP } from "../../support/tiny-models.js";

/** A searched plan where the start of a program takes this share of the first stage's forward pass. */
async function searched({ built, loss }: TinyModel, share: number): Promise<Plan> {
  const [stage] = (await compileTiny({ built, loss })).plan.stages;
  const overheads = { actionMs: share * stage!.forwardMs, messageMs: 0, updateMsPerElement: 0 };
  const { plan } = await compile(
    { name: "tiny", digest: "", graph: built.graph, bind: {} },
    {
      cluster: tinyCluster(2),
      pipeline: { schedule: "search", microbatches: 4 },
      training: { loss: [parseLoss(loss)] },
      optimizer: SGD,
      partition: { model: "direct", solver: undefined },
      profile: (graph, device) => Promise.resolve({ ...analyticProfile(graph, OPS, device), overheads }),
    },
  );
  return { ...plan, files: {} };
}

describe("the forecast of a searched plan", () => {
  it.each([
    ["MLP", TINY_MLP],
    ["GPT", TIED_GPT],
  ])("is what its rows take with as many starts as they have programs, %s", async (_, model) => {
    for (const share of [0.1, 0.5, 1, 2]) {
      const plan = await searched(model, share);
      const schedule = planSchedule(plan);
      expect(new Set(splitStages(schedule))).toEqual(new Set([true, false]));
      const { makespanMs, bubble } = simulate(schedule, planCosts(plan));
      expect(makespanMs / plan.schedule.forecast.makespanMs).toBeCloseTo(1, 9);
      expect(bubble).toBeCloseTo(plan.schedule.forecast.bubble, 9);
    }
  });
});
