/** @file What a run of the command line says while it trains. */
import { expect, it } from "vitest";
import { SILENT } from "../../../runtime/cli/progress.js";
import { runTraining } from "../../../runtime/cli/training-run.js";
import { TINY_MLP } from "../../support/tiny-models.js";
import { withPlan } from "../../support/training.js";

/** Far above what a busy machine makes of times that are equal. */
const FACTOR = 1e4;

it("says while it trains that a device is much slower than planned, and keeps it", async () => {
  await withPlan(TINY_MLP, { devices: 2 }, async ({ directory, plan, dataset }, env) => {
    const notes: string[] = [];
    const progress = { ...SILENT, note: (line: string) => void notes.push(line) };
    const hurried = plan.stages.map((stage) =>
      stage.device === 0
        ? stage
        : {
            ...stage,
            forwardMs: stage.forwardMs / FACTOR,
            inputGradMs: stage.inputGradMs / FACTOR,
            weightGradMs: stage.weightGradMs / FACTOR,
          },
    );
    const request = { directory, plan: { ...plan, stages: hurried }, dataset, steps: 20, mode: "inline" } as const;
    const context = { env, signal: new AbortController().signal };
    const { stragglers } = await runTraining(context, progress, request);
    expect(notes).toEqual([expect.stringMatching(/^straggler: device 1 \(stage 1\) takes \d+\.\d times as long/)]);
    expect(stragglers).toEqual(notes);
  });
});
