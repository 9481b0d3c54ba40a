/** @file A run that saves a checkpoint after every step and says so: what the test of killed coordinators kills. */
import { TINY_MLP } from "../support/tiny-models.js";
import { planAt, trainTo } from "../support/resuming.js";
import { watchedEnv } from "../support/watched-workers.js";

const [folder = "", steps = "1"] = process.argv.slice(2);
const env = watchedEnv();
const tiny = await planAt(env, `${folder}/plan-${process.pid}`, TINY_MLP, { devices: 2 });
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const { digest } = await trainTo(env, tiny, {
  steps: Number(steps),
  mode: "process",
  checkpoints: { directory: `${folder}/checkpoints`, every: 1, keep: 2, resume: "auto" },
  onCheckpoint: (event) => say(`${event.kind} ${"step" in event ? event.step : ""}`),
  onStep: ({ step }) => say(`step ${step} workers ${env.pids.join(",")}`),
});
say(`digest ${digest}`);
