/**
 * @file What the system says a worker holds at most: what the plan says, and what Node and the engine take by
 * themselves, to 10 %. The latter is what a worker of a model of a few numbers holds.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Lesson } from "../../models/lesson.js";
import { gptLesson, mlpLesson, resnetLesson } from "../../models/lesson.js";
import { Pipeline } from "../../runtime/pipeline.js";
import { stepBatch } from "../../runtime/train.js";
import { ADAMW } from "../support/tiny-models.js";
import { startWeights, withPlan } from "../support/training.js";
import { watchedEnv } from "../support/watched-workers.js";

const NUMBERS = mlpLesson({ batch: 1, inputs: 1, widths: [1], classes: 2 });
const LESSONS = {
  gpt: gptLesson({ batch: 4, sequence: 64, width: 256, heads: 4, layers: 2, vocabulary: 6144 }),
  mlp: mlpLesson({ batch: 32, inputs: 1024, widths: [1024, 1024, 1024, 1024], classes: 16 }),
  resnet: resnetLesson({ batch: 8, image: 32, channels: 32, groups: 3, blocks: 2, classes: 10 }),
};

/** Most resident bytes so far. */
function residentPeak(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1_024;
}

/** Resident bytes of both workers after three steps, and what the plan says of each. */
function resident(lesson: Lesson): Promise<readonly { readonly predicted: number; readonly peak: number }[]> {
  const options = { devices: 2, schedule: "1f1b", microbatches: 4, optimizer: ADAMW };
  return withPlan(lesson, options, async ({ directory, plan, dataset }) => {
    const env = watchedEnv();
    const pipeline = await Pipeline.start(env, directory, plan, "process");
    try {
      for (const [parameter, { bytes }] of startWeights(lesson)) pipeline.writeParameter(parameter, bytes);
      for (let step = 0; step < 3; step++)
        await pipeline.step(await stepBatch(plan, dataset, step), { update: step + 1 });
      const { peakBytes } = plan.schedule.forecast;
      return env.pids.map((pid, device) => ({ predicted: peakBytes[device]!, peak: residentPeak(pid) }));
    } finally {
      await pipeline.close();
    }
  });
}

it.runIf(process.platform === "linux")("workers hold what the plan says", async () => {
  const base = Math.max(...(await resident(NUMBERS)).map(({ peak }) => peak));
  for (const [name, lesson] of Object.entries(LESSONS)) {
    for (const { predicted, peak } of await resident(lesson)) {
      const error = peak / (base + predicted) - 1;
      expect(Math.abs(error), `${name}: ${peak} bytes, ${predicted} predicted beside ${base}`).toBeLessThan(0.1);
      expect(peak, name).toBeGreaterThan(base + 0.8 * predicted);
    }
  }
});
