/**
 * @file The promise of the runtime: the same losses and weights, bit for bit, on any number of devices, under any
 * schedule, in one thread, in several or in processes.
 */
import { afterAll, describe, expect, it } from "vitest";
import { SCHEDULES } from "../../compiler/schedule/registry.js";
import { threadEnv } from "../../runtime/env/thread.js";
import { ADAMW, SGD, TIED_GPT, TINY_MLP, TINY_RESNET, TUNED, UNTIED_GPT } from "../support/tiny-models.js";
import { trained as trainedOnce } from "../support/training.js";

/** Schedules of two copies of the model. */
const COPIES = ["dualpipe", "chimera"];
const ALL = [...SCHEDULES.map(({ name }) => name).filter((name) => !COPIES.includes(name)), "search"];
/** One of each kind: whole backwards, split ones, several stages on a device, both mixed, backwards in reverse. */
const SOME = ["1f1b", "zb-h1", "interleaved-1f1b", "dualpipe-v", "looped-bfs"];

const sizes = (devices: readonly number[], schedules: readonly string[]) =>
  devices.flatMap((count) => schedules.map((schedule) => [count, schedule] as const));

describe.each([
  [
    "a GPT with tied weights, AdamW",
    TIED_GPT,
    ADAMW,
    [
      ...sizes([1], SOME),
      ...sizes([2, 3], ALL),
      ...sizes([4], ["1f1b", "zb-h1", "interleaved-1f1b"]),
      ...sizes([2], COPIES),
    ],
  ],
  ["a ResNet with running statistics, SGD", TINY_RESNET, SGD, sizes([2, 3], SOME)],
  ["a GPT with a table of its own, AdamW", UNTIED_GPT, ADAMW, [...sizes([2, 3], ["zb-h1"]), ...sizes([2], COPIES)]],
  ["a GPT in groups with clipped gradients, AdamW", TIED_GPT, TUNED, [...sizes([2, 3], SOME), ...sizes([2], COPIES)]],
] as const)("%s", (about, model, optimizer, pipelines) => {
  const microbatches = 6;
  const seen: string[] = [];
  const trained: typeof trainedOnce = async (...args) => {
    const run = await trainedOnce(...args);
    seen.push(run.digest);
    return run;
  };
  afterAll(() => {
    process.stderr.write(`same bits: ${about}: ${seen.length} runs, SHA-256 ${[...new Set(seen)].join(" and ")}\n`);
  });
  const alone = trained(model, { devices: 1, schedule: "1f1b", microbatches, optimizer });

  it.each(pipelines)("on %i devices under %s", async (devices, schedule) => {
    const { losses, digest } = await trained(model, { devices, schedule, microbatches, optimizer });
    expect(losses).toEqual((await alone).losses);
    expect(digest).toBe((await alone).digest);
  });

  it("on 2 devices in an order that was searched for a V", async () => {
    const { losses, digest } = await trained(model, {
      devices: 2,
      schedule: "search",
      stagesPerDevice: 2,
      microbatches,
      optimizer,
    });
    expect(losses).toEqual((await alone).losses);
    expect(digest).toBe((await alone).digest);
  });

  it.each(sizes([1, 3], ["1f1b", "zb-h1", "interleaved-1f1b"]))(
    "on %i devices under %s with every forward pass run again",
    async (devices, schedule) => {
      const { losses, digest } = await trained(model, {
        devices,
        schedule,
        recompute: "all",
        microbatches,
        optimizer,
      });
      expect(losses).toEqual((await alone).losses);
      expect(digest).toBe((await alone).digest);
    },
  );

  it.each([
    [2, "1f1b"],
    [3, "zb-h1"],
  ])("on %i processes under %s", async (devices, schedule) => {
    const { losses, digest } = await trained(model, { devices, schedule, microbatches, optimizer, mode: "process" });
    expect(losses).toEqual((await alone).losses);
    expect(digest).toBe((await alone).digest);
  });

  it.each([
    [2, "1f1b"],
    [4, "zb-h1"],
  ])("on %i worker threads under %s", async (devices, schedule) => {
    const options = { devices, schedule, microbatches, optimizer, mode: "process", env: threadEnv() } as const;
    const { losses, digest } = await trained(model, options);
    expect(losses).toEqual((await alone).losses);
    expect(digest).toBe((await alone).digest);
  });

  it("and learns", async () => {
    const { losses } = await alone;
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });
});

describe("two copies of the model, in opposite directions", () => {
  const microbatches = 8;
  const alone = trainedOnce(TIED_GPT, { devices: 1, microbatches, optimizer: ADAMW });

  it.each([
    [4, "dualpipe", "inline"],
    [4, "chimera", "inline"],
    [2, "dualpipe", "process"],
    [2, "chimera", "process"],
  ] as const)("on %i devices under %s, %s", async (devices, schedule, mode) => {
    const { losses, digest } = await trainedOnce(TIED_GPT, { devices, schedule, microbatches, optimizer: ADAMW, mode });
    expect(losses).toEqual((await alone).losses);
    expect(digest).toBe((await alone).digest);
  });

  it("refuse running statistics, which need one order of all microbatches", async () => {
    await expect(trainedOnce(TINY_RESNET, { devices: 2, schedule: "chimera", microbatches })).rejects.toThrow(
      /^model: \d+ running statistics, such as .*, are replaced by every microbatch in order, which two copies/,
    );
  });
});

it("depends on every microbatch and step", async () => {
  const options = { devices: 1, microbatches: 2, steps: 2 };
  const digests = await Promise.all([
    trainedOnce(TINY_MLP, options),
    trainedOnce(TINY_MLP, { ...options, microbatches: 3 }),
    trainedOnce(TINY_MLP, { ...options, steps: 3 }),
  ]);
  expect(new Set(digests.map(({ digest }) => digest)).size).toBe(3);
});
