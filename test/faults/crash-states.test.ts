/** @file Loss of power at every point of saving checkpoints: what was acknowledged is there, what is visible is whole. */
import { describe, expect, it } from "vitest";
import type { TrainingState } from "../../runtime/checkpoint/state.js";
import { stateFiles } from "../../runtime/checkpoint/state.js";
import { CheckpointStore, readCheckpoint } from "../../runtime/checkpoint/store.js";
import { filesOver } from "../../runtime/env/files.js";
import type { CrashState, Operation } from "../support/crash-states.js";
import { crashStates, RecordingDisk, syncsOf } from "../support/crash-states.js";
import { simulatedRandom } from "../support/simulated-env.js";
import { BELONGING, filesAt, ROOT, stateAt } from "./sample-run.js";
import { report, sized } from "./size.js";

const KEEP = 2;

/** The operations of a run that saves `steps` checkpoints and keeps two. */
async function recordRun(steps: number): Promise<readonly Operation[]> {
  const disk = new RecordingDisk();
  const store = new CheckpointStore(filesOver(disk, simulatedRandom()), ROOT);
  await store.open();
  for (let step = 1; step <= steps; step++) {
    await store.save(step, filesAt(step), BELONGING);
    disk.log.push({ kind: "acknowledge", step });
    await store.retain(KEEP);
  }
  return disk.log;
}

/** What is wrong after a start on a disk that lost its power; undefined: nothing. */
async function violation({ disk, acknowledged }: CrashState): Promise<string | undefined> {
  const files = filesOver(disk, simulatedRandom(3n));
  const store = new CheckpointStore(files, ROOT);
  await store.open();
  const { checkpoint } = await store.newest();
  const step = checkpoint?.state.step ?? 0;
  if (step < acknowledged) return `step ${acknowledged} was acknowledged, step ${step} is there`;
  for (const visible of await store.steps()) {
    const read = await readCheckpoint(files, store.pathOf(visible)).catch((error: Error) => error.message);
    if (typeof read === "string") return `a damaged checkpoint is visible: ${read}`;
    if (bitsOf(read.state) !== bitsOf(stateAt(visible))) return `step ${visible} is not as it was saved`;
  }
  return undefined;
}

function bitsOf(state: TrainingState): string {
  return JSON.stringify(stateFiles(state).map(({ bytes }) => Buffer.from(bytes).toString("base64")));
}

/** Explores until `most` violations are found. */
async function explore(log: readonly Operation[], limit: number, most: number) {
  let states = 0;
  const violations: string[] = [];
  for await (const state of crashStates(log, limit)) {
    states++;
    const what = await violation(state);
    if (what !== undefined) violations.push(`after ${state.done} operations: ${what}`);
    if (violations.length >= most) break;
  }
  return { states, violations };
}

describe("checkpoints and losses of power", () => {
  it("lose nothing that was acknowledged, in every state of the disk", async () => {
    const log = await recordRun(sized(3, 8));
    const { states, violations } = await explore(log, sized(200, 500), 5);
    report(`crash states: ${states} states of ${log.length} operations, ${violations.length} violations`);
    expect(violations).toEqual([]);
    expect(states).toBeGreaterThanOrEqual(sized(500, 5_000));
  });

  it("need each of their syncs", async () => {
    const log = await recordRun(3);
    const syncs = syncsOf(log);
    const harmless: string[] = [];
    for (const sync of syncs) {
      const without = log.filter((_, position) => position !== sync);
      const { violations } = await explore(without, sized(60, 200), 1);
      if (violations.length === 0) harmless.push(JSON.stringify(log[sync]));
    }
    report(`syncs left out one at a time: ${syncs.length - harmless.length} of ${syncs.length} noticed`);
    expect(harmless).toEqual([]);
  });
});
