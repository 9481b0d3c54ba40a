/** @file Workers that stand still: killed and replaced; those that wait for them are left alone. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeEnv } from "../../runtime/env/node.js";
import { IS_WHOLE } from "./size.js";
import { planAt, trainTo } from "../support/resuming.js";
import { TINY_MLP } from "../support/tiny-models.js";
import type { TinyPlan } from "../support/training.js";
import { isAlive, watchedEnv } from "../support/watched-workers.js";

/** Long enough that a worker that only waits for a core is not taken for one that stands still. */
const HANG_MS = 5_000;

const env = nodeEnv();
let folder: string;
let tiny: TinyPlan;
beforeAll(async () => {
  folder = await env.files.temporaryDirectory();
  tiny = await planAt(env, `${folder}/plan`, TINY_MLP, { devices: 2 });
});
afterAll(() => env.files.remove(folder));

describe("a worker that stands still", () => {
  it.each(IS_WHOLE ? [0, 1] : [1])("on device %i is fenced and replaced, with the same bits", async (device) => {
    const straight = await trainTo(env, tiny, { steps: 6 });
    const watched = watchedEnv();
    const reasons: string[] = [];
    const run = await trainTo(watched, tiny, {
      steps: 6,
      mode: "process",
      restarts: 1,
      hangMs: HANG_MS,
      onRecovery: ({ reason }) => reasons.push(reason),
      onStep: ({ step }) => void (step === 3 && process.kill(watched.pids[device]!, "SIGSTOP")),
    });
    expect(reasons).toEqual([expect.stringMatching(new RegExp(`device ${device} made no progress for \\d+\\.\\d s`))]);
    expect(run.digest).toBe(straight.digest);
    expect(watched.pids.length).toBe(3);
    expect(watched.pids.filter(isAlive)).toEqual([]);
  });

  it.runIf(IS_WHOLE)("for a shorter time than the limit is waited for", async () => {
    const watched = watchedEnv();
    const pause = (): void => {
      process.kill(watched.pids[1]!, "SIGSTOP");
      setTimeout(() => process.kill(watched.pids[1]!, "SIGCONT"), 300);
    };
    const options = {
      steps: 4,
      mode: "process",
      hangMs: 10_000,
      onStep: ({ step }: { step: number }) => void (step === 2 && pause()),
    } as const;
    const run = await trainTo(watched, tiny, options);
    expect(run.digest).toBe((await trainTo(env, tiny, { steps: 4 })).digest);
    expect(watched.pids.length).toBe(2);
  });

  it("ends the run when no restart is left", async () => {
    const watched = watchedEnv();
    const onStep = ({ step }: { step: number }): void => void (step === 1 && process.kill(watched.pids[0]!, "SIGSTOP"));
    const run = trainTo(watched, tiny, { steps: 4, mode: "process", hangMs: HANG_MS, onStep });
    await expect(run).rejects.toMatchObject({ code: "TRAINING_FAULT", exitCode: 9 });
    expect(watched.pids.filter(isAlive)).toEqual([]);
  });
});
