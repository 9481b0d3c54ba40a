/** @file Devices with memory of their own: the same bits as on the CPU, tied weights and running statistics included. */
import { describe, expect, it } from "vitest";
import type { Plan } from "../../compiler/plan/plan.js";
import { startInline } from "../../runtime/inline-workers.js";
import type { Region } from "../../runtime/layout.js";
import { layoutOf } from "../../runtime/layout.js";
import { stepBatch } from "../../runtime/train.js";
import { remoteEngine } from "../support/remote-engine.js";
import type { TinyModel } from "../support/tiny-models.js";
import { ADAMW, SGD, TIED_GPT, tinyCluster, TINY_RESNET, TUNED } from "../support/tiny-models.js";
import { startWeights, trained, withPlan } from "../support/training.js";

const STEPS = 3;

/** Trains on devices that must be told to fetch and to hand out, and gives the bytes of all parameters. */
function trainedRemotely(model: TinyModel, options: Parameters<typeof withPlan>[1]): Promise<Map<string, Uint8Array>> {
  const { devices, link } = tinyCluster(options.devices ?? 2);
  const cluster = { devices: devices.map((device) => ({ ...device, kind: "webgpu" as const })), link };
  return withPlan(model, { ...options, cluster }, async ({ directory, plan, dataset }, env) => {
    const layout = layoutOf(plan);
    const memory = env.memories.create(layout.bytes);
    const view = ({ offset, length }: Region): Uint8Array => memory.view(offset, length);
    const workers = await startInline(env, directory, plan, memory, remoteEngine);
    try {
      for (const [name, { bytes }] of startWeights(model)) view(layout.params.get(name)!).set(bytes);
      for (let step = 0; step < STEPS; step++) {
        const batch = await stepBatch(plan, dataset, step);
        for (const [name, tensors] of batch)
          for (const [index, bytes] of tensors.entries()) view(layout.inputs.get(name)![index]!).set(bytes);
        const end = { update: step + 1 };
        await workers.run(allDevices(plan), {
          kind: "step",
          step,
          sentMs: 0,
          end,
          pull: step === 0,
          push: true,
          isFinishOnly: false,
        });
      }
      return new Map(plan.parameters.map(({ name }) => [name, view(layout.params.get(name)!).slice()]));
    } finally {
      await workers.stop();
      memory.close();
    }
  });
}

it.each(["dualpipe", "chimera"])("two copies of a GPT with clipped gradients under %s", async (schedule) => {
  const weights = await trainedRemotely(TIED_GPT, { devices: 2, schedule, optimizer: TUNED });
  const wanted = await trained(TIED_GPT, { devices: 1, optimizer: TUNED, steps: STEPS });
  for (const [name, { bytes }] of wanted.weights) expect(weights.get(name), name).toEqual(bytes);
});

const allDevices = ({ devices }: Plan): number[] => devices.map((_, device) => device);

describe.each([
  ["a GPT with tied weights and AdamW", TIED_GPT, { optimizer: ADAMW }],
  ["a ResNet with running statistics and SGD", TINY_RESNET, { optimizer: SGD }],
  ["a GPT in groups with clipped gradients", TIED_GPT, { optimizer: TUNED }],
] as const)("%s", (_, model, { optimizer }) => {
  it.each([
    [1, "1f1b"],
    [2, "interleaved-1f1b"],
    [3, "zb-h1"],
  ])("on %i devices under %s", async (devices, schedule) => {
    const weights = await trainedRemotely(model, { devices, schedule, optimizer });
    const wanted = await trained(model, { devices: 1, optimizer, steps: STEPS });
    for (const [name, { bytes }] of wanted.weights) expect(weights.get(name), name).toEqual(bytes);
  });
});
