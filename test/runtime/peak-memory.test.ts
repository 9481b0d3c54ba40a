/** @file A plan holds as much memory when it runs as it says, to 5 %: parameters, slots, and what its programs take. */
import { expect, it } from "vitest";
import { gptLesson, mlpLesson, resnetLesson } from "../../models/lesson.js";
import { Pipeline } from "../../runtime/pipeline.js";
import { stepBatch } from "../../runtime/train.js";
import { startWeights, withPlan } from "../support/training.js";

const LESSONS = {
  gpt: gptLesson({ batch: 2, sequence: 16, width: 32, heads: 2, layers: 2, vocabulary: 512 }),
  mlp: mlpLesson({ batch: 32, inputs: 128, widths: [256, 256, 256, 256], classes: 16 }),
  resnet: resnetLesson({ batch: 4, image: 16, channels: 16, groups: 2, blocks: 1, classes: 4 }),
};
const CASES = (["gpt", "mlp", "resnet"] as const).flatMap((name) =>
  (["none", "all"] as const).map((recompute) => ({ name, recompute })),
);

it.each(CASES)("$name with $recompute run again", { timeout: 60_000 }, ({ name, recompute }) =>
  withPlan(
    LESSONS[name],
    { devices: 2, schedule: "gpipe", microbatches: 6, recompute },
    async ({ directory, plan, dataset }, env) => {
      const pipeline = await Pipeline.start(env, directory, plan, "process");
      try {
        for (const [parameter, { bytes }] of startWeights(LESSONS[name])) pipeline.writeParameter(parameter, bytes);
        for (let step = 0; step < 2; step++)
          await pipeline.step(await stepBatch(plan, dataset, step), { update: step + 1 });
        const { rows } = await pipeline.step(await stepBatch(plan, dataset, 2), { update: 3 });
        rows.forEach(({ peakBytes }, device) => {
          const error = plan.schedule.forecast.peakBytes[device]! / peakBytes - 1;
          expect(Math.abs(error)).toBeLessThan(0.05);
        });
      } finally {
        await pipeline.close();
      }
    },
  ),
);
