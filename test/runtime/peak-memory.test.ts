/**
 * @file A plan holds as much memory when it runs as it says, no more and at most 5 % less: parameters, slots, and what its
 * programs take.
 */
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
const CASES = [
  ["gpt", "gpipe", "none", 2],
  ["gpt", "gpipe", "all", 4],
  ["gpt", "1f1b", "all", 4],
  ["gpt", "zb-h1", "all", 3],
  ["gpt", "interleaved-1f1b", "all", 2],
  ["mlp", "gpipe", "none", 2],
  ["mlp", "1f1b", "all", 3],
  ["resnet", "gpipe", "all", 2],
  ["resnet", "1f1b", "all", 3],
  ["mlp", "zb-h2", "none", 2],
  ["resnet", "zb-h1", "none", 2],
] as const;

it.each(CASES)("%s under %s with %s run again on %i devices", (name, schedule, recompute, devices) =>
  withPlan(
    LESSONS[name],
    { devices, schedule, microbatches: 6, recompute },
    async ({ directory, plan, dataset }, env) => {
      const pipeline = await Pipeline.start(env, directory, plan, "process");
      try {
        for (const [parameter, { bytes }] of startWeights(LESSONS[name])) pipeline.writeParameter(parameter, bytes);
        for (let step = 0; step < 2; step++)
          await pipeline.step(await stepBatch(plan, dataset, step), { update: step + 1 });
        const { rows } = await pipeline.step(await stepBatch(plan, dataset, 2), { update: 3 });
        rows.forEach(({ peakBytes }, device) => {
          const predicted = plan.schedule.forecast.peakBytes[device]!;
          expect(peakBytes).toBeLessThanOrEqual(predicted);
          expect(predicted).toBeLessThan(1.05 * peakBytes);
        });
      } finally {
        await pipeline.close();
      }
    },
  ),
);
