/** @file A run whose shared memory is longer than an array can be: the same bits as in a short one. */
import { constants } from "node:buffer";
import { expect, it } from "vitest";
import type { Env, SharedMemory } from "../../runtime/env/env.js";
import { train } from "../../runtime/train.js";
import { ADAMW, TINY_MLP } from "../support/tiny-models.js";
import { digestOf, withPlan } from "../support/training.js";

const STEPS = 3;
/** Where memory begins, in bytes: past the longest array, at a page. */
const BEGIN = constants.MAX_LENGTH < 2 ** 33 ? Math.ceil(constants.MAX_LENGTH / 4096) * 4096 : 4096;

/** The environment with a long stretch of untouched memory before each of its memories. */
function withLongMemory(env: Env): Env {
  return { ...env, memories: { ...env.memories, create: (bytes) => tailOf(env.memories.create(BEGIN + bytes)) } };
}

function tailOf(memory: SharedMemory): SharedMemory {
  return {
    name: memory.name,
    byteLength: memory.byteLength - BEGIN,
    view: (offset, length) => memory.view(BEGIN + offset, length),
    words: (offset, count) => memory.words(BEGIN + offset, count),
    wait: (offset, seen, timeoutMs) => memory.wait(BEGIN + offset, seen, timeoutMs),
    wake: (offset) => memory.wake(BEGIN + offset),
    close: () => memory.close(),
  };
}

it.runIf(process.platform === "linux")("trains past the longest array", () =>
  withPlan(
    TINY_MLP,
    { devices: 2, microbatches: 4, optimizer: { ...ADAMW, clipNorm: 1 } },
    async ({ directory, plan, dataset }, env) => {
      const digests: string[] = [];
      for (const own of [env, withLongMemory(env)]) {
        const onTrained = (weights: Parameters<typeof digestOf>[0]): void => void digests.push(digestOf(weights));
        const steps = train(own, directory, plan, { dataset, steps: STEPS, mode: "inline", onTrained });
        for await (const { loss } of steps) expect(loss).toBeGreaterThan(0);
      }
      expect(digests.length).toBe(2);
      expect(digests[1]).toBe(digests[0]);
    },
  ),
);
