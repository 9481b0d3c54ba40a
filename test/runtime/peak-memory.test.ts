/** @file A plan holds no more memory when it runs than it says, to 5 %. */
import { expect, it } from "vitest";
import { mlpLesson } from "../../models/lesson.js";
import { Pipeline } from "../../runtime/pipeline.js";
import { stepBatch } from "../../runtime/train.js";
import { startWeights, withPlan } from "../support/training.js";

const MODEL = mlpLesson({ batch: 32, inputs: 128, widths: [256, 256, 256, 256], classes: 16 });

it.each(["none", "all"] as const)("with %s run again", { timeout: 60_000 }, (recompute) =>
  withPlan(
    MODEL,
    { devices: 2, schedule: "gpipe", microbatches: 6, recompute },
    async ({ directory, plan, dataset }, env) => {
      const pipeline = await Pipeline.start(env, directory, plan, "process");
      try {
        for (const [name, { bytes }] of startWeights(MODEL)) pipeline.writeParameter(name, bytes);
        for (let step = 0; step < 2; step++)
          await pipeline.step(await stepBatch(plan, dataset, step), { update: step + 1 });
        const { rows } = await pipeline.step(await stepBatch(plan, dataset, 2), { update: 3 });
        rows.forEach(({ peakBytes }, device) => {
          const predicted = plan.schedule.forecast.peakBytes[device]!;
          expect(peakBytes).toBeLessThanOrEqual(predicted * 1.05);
          expect(peakBytes).toBeGreaterThan(predicted * 0.75);
        });
      } finally {
        await pipeline.close();
      }
    },
  ),
);
