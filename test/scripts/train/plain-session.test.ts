/** @file The plain session of the bench trains what a pipeline trains, rounded otherwise. */
import { expect, it } from "vitest";
import { ADAMW } from "../../../compiler/optimizer/adamw.js";
import { mlpLesson, resnetLesson } from "../../../models/lesson.js";
import { Pipeline } from "../../../runtime/pipeline.js";
import { stepBatch } from "../../../runtime/train.js";
import { PlainSession } from "../../../scripts/train/plain-session.js";
import { startWeights, withPlan } from "../../support/training.js";

const STEPS = 4;
const MICROBATCHES = 3;

const LESSONS = {
  "an MLP": () => mlpLesson({ batch: 8, inputs: 16, widths: [32, 32], classes: 4 }),
  "a ResNet with running statistics": () =>
    resnetLesson({ batch: 4, image: 8, channels: 4, groups: 1, blocks: 1, classes: 4 }),
};

it.each(Object.entries(LESSONS))("has the losses of a pipeline, step after step: %s", async (_, makeLesson) => {
  const lesson = makeLesson();
  const options = { microbatches: MICROBATCHES, optimizer: ADAMW };
  await withPlan(lesson, options, async ({ directory, plan, dataset }, env) => {
    const weights = startWeights(lesson);
    const pipeline = await Pipeline.start(env, directory, plan, "inline");
    const plain = await PlainSession.start(lesson, weights, {
      threads: 1,
      spins: false,
      microbatches: MICROBATCHES,
      batchOf: (step) => stepBatch(plan, dataset, step),
    });
    try {
      for (const [parameter, { bytes }] of weights) pipeline.writeParameter(parameter, bytes);
      const seen: number[] = [];
      for (let step = 0; step < STEPS; step++) {
        const wanted = await pipeline.step(await stepBatch(plan, dataset, step), { update: step + 1 });
        const { losses } = await plain.steps(1);
        expect(losses).toHaveLength(MICROBATCHES);
        for (const [at, loss] of losses.entries()) expect(Math.abs(loss / wanted.losses[at]! - 1)).toBeLessThan(1e-5);
        seen.push(losses[0]!);
      }
      expect(seen.at(-1)).toBeLessThan(seen[0]!);
    } finally {
      await plain.close();
      await pipeline.close();
    }
  });
});
