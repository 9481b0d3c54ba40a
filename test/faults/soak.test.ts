/** @file Many steps of a small run: memory stays flat in coordinator and workers, and nothing is left at the end. */
import { readdirSync, readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it, vi } from "vitest";
import { planAt, trainTo } from "../support/resuming.js";
import { TINY_MLP } from "../support/tiny-models.js";
import { isAlive, watchedEnv } from "../support/watched-workers.js";
import { IS_WHOLE, report, sized } from "./size.js";

const STEPS = sized(300, 20_000);
/** Steps until caches and compiled code have settled. */
const SETTLING = sized(100, 8_000);
const MOST_BYTES_PER_STEP = 1_024;
/** Keeps the heaps of workers small, so that their resident memory shows what is held and not what waits for collection. */
const SMALL_HEAPS = "--max-old-space-size=56 --max-semi-space-size=1";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Memory that is in use now: of this process after a collection of garbage, as heap and buffers; of others as resident. */
function bytesInUse(pid: number): number {
  if (pid === process.pid) {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  }
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;

it(`keeps its memory over ${STEPS} steps and leaves nothing`, { timeout: 900_000 }, async () => {
  vi.stubEnv("NODE_OPTIONS", SMALL_HEAPS);
  const env = watchedEnv();
  const folder = await env.files.temporaryDirectory();
  const descriptorsBefore = descriptors();
  const handlesBefore = process.getActiveResourcesInfo().length;
  const settled = new Map<number, number>();
  const last = new Map<number, number>();
  const measure = (into: Map<number, number>): void => {
    for (const pid of [process.pid, ...env.pids]) into.set(pid, bytesInUse(pid));
  };
  try {
    const tiny = await planAt(env, `${folder}/plan`, TINY_MLP, { devices: 2 });
    await trainTo(env, tiny, {
      steps: STEPS,
      mode: "process",
      checkpoints: { directory: `${folder}/checkpoints`, every: STEPS / 10, keep: 2 },
      onStep: ({ step }) => {
        if (step === SETTLING) measure(settled);
        if (step === STEPS) measure(last);
      },
    });
    const growth = [...last].map(([pid, bytes]) => (bytes - settled.get(pid)!) / (STEPS - SETTLING));
    const shown = growth.map((bytes) => Math.round(bytes)).join(", ");
    report(`soak: ${STEPS} steps; growth in bytes per step of coordinator and workers: ${shown}`);
    if (IS_WHOLE) expect(Math.max(...growth)).toBeLessThanOrEqual(MOST_BYTES_PER_STEP);
    expect(env.pids.filter(isAlive)).toEqual([]);
    expect(descriptors()).toBeLessThanOrEqual(descriptorsBefore + 1);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(handlesBefore + 1);
  } finally {
    vi.unstubAllEnvs();
    await env.files.remove(folder);
  }
});
