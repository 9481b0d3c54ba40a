/** @file Real workers killed with SIGKILL at every point of their rows: no step is lost, and the bits are the same. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mlpLesson } from "../../models/lesson.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { planAt, trainTo } from "../support/resuming.js";
import type { TinyOptions } from "../support/tiny-models.js";
import { TUNED } from "../support/tiny-models.js";
import { isAlive, watchedEnv } from "../support/watched-workers.js";
import { IS_WHOLE, report, sized } from "./size.js";

/** Wide enough that an action lasts milliseconds, so that a kill hits the action it is meant for. */
const WIDE = mlpLesson({ batch: 256, inputs: 256, widths: [512, 512, 512], classes: 10 });

/** A worker and the point of a step at which it is killed: after some actions of its row, in its update, or between steps. */
interface Kill {
  readonly device: number;
  readonly at: number | "update" | "idle";
}

const env = nodeEnv();
let folder: string;
beforeAll(async () => {
  folder = await env.files.temporaryDirectory();
});
afterAll(() => env.files.remove(folder));

/** Looks as often as it can until `isReached`, or until `isOver`. */
async function waitFor(isReached: () => boolean, isOver: () => boolean): Promise<boolean> {
  while (!isReached()) {
    if (isOver()) return false;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return true;
}

/** Trains with one kill in every second step. */
async function trainWithKills(
  name: string,
  options: TinyOptions,
  choose: (row: number, device: number) => readonly Kill["at"][],
) {
  const tiny = await planAt(env, `${folder}/${name}`, WIDE, { optimizer: TUNED, ...options });
  const { plan } = tiny;
  const kills = plan.rows.flatMap((row, device) => choose(row.length, device).map((at): Kill => ({ device, at })));
  const steps = 2 * kills.length + 2;
  const straight = await trainTo(env, tiny, { steps });
  const watched = watchedEnv();
  const current = plan.devices.map((_, device) => device);
  const recoveryMs: number[] = [];
  let replayed = 0;
  let recoveries = 0;
  let midStep = 0;
  let finishedSteps = 0;
  let killedAtMs: number | undefined;
  let pending: Promise<void> = Promise.resolve();

  const strike = async ({ device, at }: Kill, step: number): Promise<void> => {
    const begin = plan.rows[device]!.length * step;
    const done = (): number => watched.progressOf(plan, device) - begin;
    const isReached = (): boolean => {
      if (at === "idle") return true;
      if (at === "update") return done() >= plan.rows[device]!.length && watched.slabsOf(plan, device) > 0;
      return done() >= at;
    };
    await waitFor(isReached, () => finishedSteps > step);
    process.kill(watched.pids[current[device]!]!, "SIGKILL");
    killedAtMs = env.clock.nowMs();
    if (finishedSteps === step && at !== "idle") midStep++;
  };
  const run = await trainTo(watched, tiny, {
    steps,
    mode: "process",
    restarts: 2 * kills.length,
    onRecovery: ({ reason, isReplayed }) => {
      recoveries++;
      if (isReplayed) replayed++;
      const device = Number(/on device (\d+)/.exec(reason)![1]);
      current[device] = watched.pids.length - 1;
    },
    onStep: ({ step }) => {
      finishedSteps = step;
      if (killedAtMs !== undefined && recoveries > recoveryMs.length) {
        recoveryMs.push(env.clock.nowMs() - killedAtMs);
        killedAtMs = undefined;
      }
      if (step % 2 === 0 && kills[step / 2 - 1]) pending = strike(kills[step / 2 - 1]!, step);
    },
  });
  await pending;
  expect(run.losses).toEqual(straight.losses);
  expect(run.digest).toBe(straight.digest);
  expect(watched.pids.filter(isAlive)).toEqual([]);
  return { kills: kills.length, replaced: watched.pids.length - plan.devices.length, replayed, midStep, recoveryMs };
}

describe("workers that are killed", () => {
  let all = 0;
  const every = (row: number): readonly Kill["at"][] => [...Array(row).keys(), "update", "idle"];
  const cases: readonly (readonly [string, TinyOptions, (row: number, device: number) => readonly Kill["at"][]])[] =
    IS_WHOLE
      ? [
          ["1f1b on 2", { devices: 2, schedule: "1f1b", microbatches: 3 }, every],
          ["zb-h1 on 2", { devices: 2, schedule: "zb-h1", microbatches: 3 }, every],
          ["gpipe on 3", { devices: 3, schedule: "gpipe", microbatches: 3 }, every],
          ["1f1b on 4", { devices: 4, schedule: "1f1b", microbatches: 4 }, (row) => [1, row >> 1, "update", "idle"]],
        ]
      : [
          [
            "1f1b on 2",
            { devices: 2, schedule: "1f1b", microbatches: 2 },
            (_, device) => (device === 0 ? [1] : ["update"]),
          ],
        ];

  it.each(cases)("lose no step under %s", { timeout: 900_000 }, async (name, options, choose) => {
    const { kills, replaced, replayed, midStep, recoveryMs } = await trainWithKills(
      name.replaceAll(" ", "-"),
      options,
      choose,
    );
    const sorted = recoveryMs.toSorted((a, b) => a - b);
    const at = (share: number): string => `${Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)} ms`;
    report(
      `real kills under ${name}: ${kills} kills (${midStep} within a step), ${replaced} workers replaced, ${replayed} steps run again, 0 lost; ` +
        `from kill to the next step ${at(0.5)} (median), ${at(0.95)} (95 %), ${at(1)} (most)`,
    );
    expect(replaced).toBeGreaterThanOrEqual(kills);
    all += kills;
  });

  it("were enough", () => {
    expect(all).toBeGreaterThanOrEqual(sized(2, 60));
  });
});
