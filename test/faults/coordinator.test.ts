/** @file The coordinator killed with SIGKILL: its workers go, what it said is saved is there, and the next run goes on. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { RandomStream } from "../../compiler/random.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { compiledUrl } from "../support/compiled.js";
import { planAt, trainTo } from "../support/resuming.js";
import { TINY_MLP } from "../support/tiny-models.js";
import { isRunning, until } from "../support/watched-workers.js";
import { report, sized } from "./size.js";

/** More steps than a run takes before the test has heard of the first ones and killed it. */
const ENDLESS = 1_000_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pipewright-coordinator-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Life {
  readonly saved: number;
  readonly resumed: number;
  readonly workers: readonly number[];
  readonly digest: string | undefined;
}

/** Runs until the end, or until it is killed some time after it said that it took `steps` steps. */
async function live(
  total: number,
  kill: { readonly afterSteps: number; readonly delayMs: number } | undefined,
): Promise<Life> {
  const entry = fileURLToPath(compiledUrl("test/faults/coordinator-child.js"));
  const child: ChildProcess = spawn(process.execPath, [entry, folder, String(total)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  let [saved, resumed, taken] = [0, 0, 0];
  let workers: readonly number[] = [];
  let digest: string | undefined;
  for await (const line of createInterface({ input: child.stdout! })) {
    const [word, number = "", , pids = ""] = line.split(" ");
    if (word === "saved") saved = Number(number);
    if (word === "resumed") resumed = Number(number);
    if (word === "digest") digest = number;
    if (word !== "step") continue;
    workers = pids.split(",").map(Number);
    if (++taken === kill?.afterSteps) setTimeout(() => child.kill("SIGKILL"), kill.delayMs);
  }
  await ended;
  return { saved, resumed, workers, digest };
}

it("loses nothing that was said to be saved, and leaves no orphan", { timeout: 900_000 }, async () => {
  const deaths = sized(1, 20);
  const stream = new RandomStream(3, "coordinator");
  let acknowledged = 0;
  for (let death = 0; death < deaths; death++) {
    const { saved, resumed, workers, digest } = await live(ENDLESS, {
      afterSteps: 2 + stream.below(3),
      delayMs: stream.below(12),
    });
    expect(digest).toBeUndefined();
    expect(resumed).toBeGreaterThanOrEqual(acknowledged);
    acknowledged = Math.max(acknowledged, saved, resumed);
    expect(workers.length).toBeGreaterThan(0);
    await until(() => !workers.some(isRunning));
  }
  const steps = acknowledged + 6;
  const last = await live(steps, undefined);
  expect(last.resumed).toBeGreaterThanOrEqual(acknowledged);
  const env = nodeEnv();
  const tiny = await planAt(env, join(folder, "straight"), TINY_MLP, { devices: 1 });
  expect(last.digest).toBe((await trainTo(env, tiny, { steps })).digest);
  report(`killed coordinators: ${deaths} kills, 0 saved steps lost, 0 orphans, the same bits after ${steps} steps`);
});
