/** @file Clipped gradients and groups of parameters in a running pipeline, against float32 arithmetic written out. */
import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../compiler/ir/builder.js";
import { OPS } from "../../compiler/ops/registry.js";
import { clipFactor } from "../../compiler/optimizer/gradient-norm.js";
import { learningRateAt } from "../../compiler/optimizer/learning-rate.js";
import type { OptimizerSpec, ParameterGroup } from "../../compiler/plan/plan.js";
import { Pipeline } from "../../runtime/pipeline.js";
import { stepBatch, train } from "../../runtime/train.js";
import { f32 } from "../support/onnx-model.js";
import type { TinyModel, TinyOptions } from "../support/tiny-models.js";
import { SGD, TIED_GPT, TINY_MLP, TUNED } from "../support/tiny-models.js";
import { startWeights, trained, withPlan } from "../support/training.js";
import { adamwStep, sgdStep } from "../support/update-oracle.js";

const MICROBATCHES = 3;
const STEPS = 4;
const CLIPPED_SGD: OptimizerSpec = { ...SGD, clipNorm: 1 };
const floats = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

/** Norm of the mean gradient before every update. */
function norms(model: TinyModel, options: TinyOptions): Promise<readonly (number | undefined)[]> {
  return withPlan(model, options, async ({ directory, plan, dataset }, env) => {
    const found: (number | undefined)[] = [];
    for await (const { gradNorm } of train(env, directory, plan, { dataset, steps: STEPS, mode: "inline" }))
      found.push(gradNorm);
    return found;
  });
}

describe("an update with groups, a schedule and clipping", () => {
  const { groups, schedule } = TUNED as Required<OptimizerSpec>;
  it.each([
    ["SGD", { ...SGD, groups, schedule, clipNorm: 0.1 }],
    ["AdamW", TUNED],
  ] as readonly [string, OptimizerSpec][])("has the bits of %s in float32, parameter by parameter", (_, optimizer) =>
    withPlan(TINY_MLP, { devices: 2, microbatches: MICROBATCHES, optimizer }, async (tiny, env) => {
      const { directory, plan, dataset } = tiny;
      const pipeline = await Pipeline.start(env, directory, plan, "inline");
      try {
        for (const [name, { bytes }] of startWeights(TINY_MLP)) pipeline.writeParameter(name, bytes);
        const params = plan.parameters.map(({ name, group }) => {
          const value = floats(pipeline.parameter(name));
          return {
            name,
            group,
            value,
            states: [new Float32Array(value.length), new Float32Array(value.length)] as const,
          };
        });
        for (let step = 1; step <= STEPS; step++) {
          const batch = await stepBatch(plan, dataset, step);
          await pipeline.step(batch, undefined);
          const sums = params.map(({ name }) => floats(pipeline.gradientSum(name)));
          const total = sums.flatMap((sum) => [...sum]).reduce((squares, value) => squares + value ** 2, 0);
          const norm = Math.sqrt(total) / MICROBATCHES;
          const scale = clipFactor(norm, optimizer.clipNorm!) / MICROBATCHES;
          expect(norm, "the test clips").toBeGreaterThan(optimizer.clipNorm!);
          for (const [index, { group, value, states }] of params.entries()) {
            const own: Partial<ParameterGroup> = group === undefined ? {} : groups[group]!;
            const learningRate = learningRateAt(optimizer, step, own);
            const spec = { ...optimizer, learningRate, weightDecay: own.weightDecay ?? optimizer.weightDecay };
            if (spec.kind === "sgd") sgdStep(spec, value, sums[index]!, states[0], scale);
            else adamwStep(spec, value, sums[index]!, states, step, scale);
          }
          pipeline.clearGradientSums();
          const { gradNorm } = await pipeline.step(batch, { update: step });
          expect(gradNorm).toBeCloseTo(norm, 12);
          for (const { name, value } of params) expect(floats(pipeline.parameter(name)), name).toEqual(value);
        }
      } finally {
        await pipeline.close();
      }
    }),
  );

  it("is that of plain gradients when the norm is never reached", async () => {
    const plain = { devices: 2, microbatches: 2 };
    const wide = { ...plain, optimizer: { ...SGD, clipNorm: 1e6 } };
    expect((await trained(TINY_MLP, wide)).digest).toBe((await trained(TINY_MLP, plain)).digest);
  });
});

describe("the norm", () => {
  it("has the same bits on any number of devices, tied weights counted once", async () => {
    const on = (devices: number) => norms(TIED_GPT, { devices, microbatches: 4, optimizer: TUNED });
    const alone = await on(1);
    expect(alone.every((norm) => norm !== undefined && norm > 0)).toBe(true);
    expect(await on(2)).toEqual(alone);
    expect(await on(3)).toEqual(alone);
  });

  it("is not asked for without clipping", async () => {
    expect(await norms(TINY_MLP, {})).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("ends the training when it is not finite although the loss is, and nothing is updated", async () => {
    const builder = new GraphBuilder(OPS);
    const product = builder.emit("Mul", [builder.param("w", f32(2)), builder.input("x", f32(2))]);
    const root = builder.emit("Sqrt", [builder.emit("ReduceSum", [product], { keepdims: 0 })]);
    const graph = builder.build("root", [root]);
    const zeros = new Uint8Array(8);
    const model: TinyModel = {
      built: { graph, weights: new Map([["w", Float32Array.of(1, 2)]]) },
      loss: `output:${root.name}`,
      task: { ...TINY_MLP.task, feeds: () => Promise.resolve(new Map([["x", zeros]])) } as TinyModel["task"],
    };
    await withPlan(model, { devices: 1, optimizer: CLIPPED_SGD }, async ({ directory, plan, dataset }, env) => {
      const run = async (): Promise<void> => {
        for await (const report of train(env, directory, plan, { dataset, steps: 2, mode: "inline" }))
          expect(report.loss).toBe(0);
      };
      await expect(run()).rejects.toMatchObject({
        code: "LOSS_NOT_FINITE",
        exitCode: 10,
        details: { step: 1, tensor: "w", stage: 0 },
        message:
          'step 1: the loss is 0, but the gradient of "w" (stage 0) holds NaN or infinity. Lower the learning rate, or ' +
          "check the model where it divides or takes roots.",
      });
      const pipeline = await Pipeline.start(env, directory, plan, "inline");
      pipeline.writeParameter("w", new Uint8Array(Float32Array.of(1, 2).buffer));
      await pipeline.step(await stepBatch(plan, dataset, 0), { update: 1 });
      expect(floats(pipeline.parameter("w"))).toEqual(Float32Array.of(1, 2));
      await pipeline.close();
    });
  });
});
