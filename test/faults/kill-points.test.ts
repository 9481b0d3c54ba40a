/**
 * @file A device dies before and after every action of every row, of what it runs of other rows, and around its update: the
 * step gives the same bits.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeEnv } from "../../runtime/env/node.js";
import type { Region } from "../../runtime/layout.js";
import { layoutOf } from "../../runtime/layout.js";
import { Progress } from "../../runtime/progress.js";
import { Recovery } from "../../runtime/recovery.js";
import { stepBatch } from "../../runtime/train.js";
import type { Death } from "../support/mortal-workers.js";
import { startMortal } from "../support/mortal-workers.js";
import { planAt } from "../support/resuming.js";
import type { TinyModel, TinyOptions } from "../support/tiny-models.js";
import { ADAMW, TINY_MLP, TINY_RESNET, TUNED } from "../support/tiny-models.js";
import { startWeights } from "../support/training.js";
import { IS_WHOLE, report, sized } from "./size.js";

const env = nodeEnv();
let folder: string;
let points = 0;
let standIns = 0;
const schedules = new Set<string>();
beforeAll(async () => {
  folder = await env.files.temporaryDirectory();
});
afterAll(async () => {
  await env.files.remove(folder);
});

/** Runs the second step once whole and once for each death, always from the same memory. */
async function dieEverywhere(name: string, model: TinyModel, options: TinyOptions): Promise<number> {
  const { directory, plan, dataset } = await planAt(env, `${folder}/${name}`, model, { optimizer: ADAMW, ...options });
  const layout = layoutOf(plan);
  const memory = env.memories.create(layout.bytes);
  const whole = memory.view(0, memory.byteLength);
  const view = ({ offset, length }: Region): Uint8Array => whole.subarray(offset, offset + length);
  const progress = new Progress(
    memory,
    layout,
    plan.rows.map((row) => row.length),
  );
  const workers = await startMortal(env, directory, plan, layout, memory, progress);
  const recovery = new Recovery(plan, layout, memory, progress, workers, { restarts: Infinity });
  const step = async (number: number): Promise<void> => {
    for (const [input, tensors] of await stepBatch(plan, dataset, number)) {
      const regions = layout.inputs.get(input)!;
      for (const [index, bytes] of tensors.entries()) view(regions[index]!).set(bytes);
    }
    const update = number + 1;
    await recovery.step({ kind: "step", step: number, sentMs: 0, end: { update }, pull: false, push: false });
  };
  /** All that a step leaves: parameters, sums, states, results. */
  const outcome = (): readonly Uint8Array[] =>
    [
      ...layout.params.values(),
      ...layout.gradSums.values(),
      ...[...layout.states.values()].flat(),
      ...[...layout.results.values()].flat(),
    ].map((region) => view(region).slice());

  try {
    for (const [param, { bytes }] of startWeights(model)) view(layout.params.get(param)!).set(bytes);
    await step(0);
    const before = whole.slice();
    await step(1);
    const expected = outcome();
    const { stoodIn } = workers;
    const each = (count: number, death: Omit<Death, "action" | "isAfter">): readonly Death[] =>
      Array.from({ length: count }, (_, action) =>
        [false, true].map((isAfter) => ({ ...death, action, isAfter })),
      ).flat();
    const deaths = plan.rows.flatMap((row, device) => [
      ...each(row.length + 1, { device }),
      ...each(stoodIn[device]!, { device, standsIn: true }),
    ]);
    standIns += stoodIn.reduce((sum, count) => sum + count, 0);
    for (const death of deaths) {
      whole.set(before);
      workers.doom(death);
      await step(1);
      const got = outcome();
      const differs = got.findIndex((bytes, at) => Buffer.compare(bytes, expected[at]!) !== 0);
      expect(differs, `${name}: ${JSON.stringify(death)}`).toBe(-1);
    }
    return deaths.length;
  } finally {
    await workers.stop();
    memory.close();
  }
}

const SCHEDULES = ["gpipe", "1f1b", "windowed-1f1b", "zb-h1", "zb-h2"];
const LOOPED = ["interleaved-1f1b", "looped-bfs", "zb-v", "v-half", "v-min", "1f1b-v", "dualpipe-v", "wave"];

describe("a device that dies", () => {
  const cases: readonly (readonly [string, TinyModel, TinyOptions])[] = IS_WHOLE
    ? [2, 3].flatMap((devices) => [
        ...[4, 6, 8].flatMap((microbatches) =>
          SCHEDULES.map((schedule): [string, TinyModel, TinyOptions] => [
            `${schedule} on ${devices} with ${microbatches} microbatches`,
            TINY_MLP,
            { devices, schedule, microbatches },
          ]),
        ),
        ["running statistics", TINY_RESNET, { devices, schedule: "1f1b", microbatches: 4 }] as const,
        ["clipped gradients", TINY_MLP, { devices, schedule: "zb-h1", microbatches: 4, optimizer: TUNED }] as const,
      ])
    : [
        ["1f1b on 2", TINY_MLP, { devices: 2, schedule: "1f1b", microbatches: 3 }],
        ["zb-h1 on 2", TINY_RESNET, { devices: 2, schedule: "zb-h1", microbatches: 2 }],
        ["zb-h2 on 3", TINY_MLP, { devices: 3, schedule: "zb-h2", microbatches: 4 }],
        ["clipped gradients on 2", TINY_MLP, { devices: 2, schedule: "1f1b", microbatches: 3, optimizer: TUNED }],
      ];

  it.each(cases)("under %s", { timeout: 600_000 }, async (name, model, options) => {
    points += await dieEverywhere(`${name}-${options.devices}`, model, options);
    schedules.add(options.schedule!);
  });

  it.runIf(IS_WHOLE).each(LOOPED)("under %s with several stages per device", { timeout: 600_000 }, async (schedule) => {
    const options = { devices: 2, stagesPerDevice: 2, microbatches: 8, schedule };
    points += await dieEverywhere(schedule, TINY_MLP, options);
    schedules.add(schedule);
  });

  it("was tried at enough points", () => {
    report(
      `kill points: ${points} deaths under ${schedules.size} schedules, ${2 * standIns} of them of stand-ins, all with the same bits`,
    );
    expect(standIns).toBeGreaterThanOrEqual(sized(1, 100));
    expect(points).toBeGreaterThanOrEqual(sized(70, 3_000));
    expect(schedules.size).toBeGreaterThanOrEqual(sized(2, 5));
  });
});
