/** @file A plan in operation: what a step computes, how faults are told, and that nothing is left behind. */
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../compiler/errors.js";
import { exportGraph } from "../../compiler/onnx/export.js";
import type { OptimizerSpec } from "../../compiler/plan/plan.js";
import { createOrtEngine } from "../../runtime/engine/ort/ort-engine.js";
import { runOnce } from "../../runtime/engine/run-once.js";
import type { Env } from "../../runtime/env/env.js";
import type { Batch, PipelineMode, StepResult } from "../../runtime/pipeline.js";
import { Pipeline } from "../../runtime/pipeline.js";
import { sumOfShares } from "../../runtime/step-shares.js";
import { stepBatch, train } from "../../runtime/train.js";
import { withWeights } from "../../runtime/trained-model.js";
import { modelFile } from "../../models/file.js";
import { hasUsualPolicy, policyOf, SCHED_BATCH } from "../support/scheduling.js";
import type { TinyModel, TinyOptions } from "../support/tiny-models.js";
import { ADAMW, SGD, TIED_GPT, TINY_MLP } from "../support/tiny-models.js";
import type { TinyPlan } from "../support/training.js";
import { startWeights, trained, withPlan } from "../support/training.js";
import { adamwStep, sgdStep } from "../support/update-oracle.js";
import { isAlive, watchedEnv } from "../support/watched-workers.js";

const floats = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

/** Runs `use` on a pipeline with the start weights of the model. */
function withPipeline<T>(
  model: TinyModel,
  options: TinyOptions,
  use: (pipeline: Pipeline, tiny: TinyPlan) => Promise<T>,
  mode: PipelineMode = "inline",
): Promise<T> {
  return withPlan(model, options, async (tiny, env) => {
    const pipeline = await Pipeline.start(env, tiny.directory, tiny.plan, mode);
    try {
      for (const [name, { bytes }] of startWeights(model)) pipeline.writeParameter(name, bytes);
      return await use(pipeline, tiny);
    } finally {
      await pipeline.close();
    }
  });
}

/** Microbatch `index` of a batch in the place of every microbatch. */
const onlyMicrobatch = (batch: Batch, index: number): Batch =>
  new Map([...batch].map(([name, tensors]) => [name, tensors.map(() => tensors[index]!)]));

describe("a step", () => {
  it("sums gradients in the order of the microbatches", async () => {
    const sums = await withPipeline(TINY_MLP, { devices: 2, microbatches: 4 }, async (pipeline, { plan, dataset }) => {
      const batch = await stepBatch(plan, dataset, 0);
      await pipeline.step(batch, undefined);
      return new Map(plan.parameters.map(({ name }) => [name, floats(pipeline.gradientSum(name))]));
    });
    await withPipeline(TINY_MLP, { devices: 1, microbatches: 1 }, async (pipeline, { plan, dataset }) => {
      const whole = await stepBatch({ ...plan, microbatches: 4 }, dataset, 0);
      const wanted = new Map([...sums].map(([name, { length }]) => [name, new Float32Array(length)]));
      for (let microbatch = 0; microbatch < 4; microbatch++) {
        pipeline.clearGradientSums();
        const one: Batch = new Map([...whole].map(([name, tensors]) => [name, [tensors[microbatch]!]]));
        await pipeline.step(one, undefined);
        for (const [name, sum] of wanted)
          floats(pipeline.gradientSum(name)).forEach((value, at) => (sum[at] = Math.fround(sum[at]! + value)));
      }
      expect(sums).toEqual(wanted);
    });
  });

  it.each([
    ["SGD", SGD],
    ["AdamW", ADAMW],
  ] as readonly [string, OptimizerSpec][])("updates like %s in float32, bit for bit", async (_, optimizer) => {
    await withPipeline(TINY_MLP, { devices: 2, microbatches: 3, optimizer }, async (pipeline, { plan, dataset }) => {
      const params = plan.parameters.map(({ name }) => ({ name, value: floats(pipeline.parameter(name)) }));
      const states = params.map(
        ({ value }) => [new Float32Array(value.length), new Float32Array(value.length)] as const,
      );
      for (let step = 1; step <= 3; step++) {
        const batch = await stepBatch(plan, dataset, step);
        await pipeline.step(batch, undefined);
        for (const [index, { name, value }] of params.entries()) {
          const sum = floats(pipeline.gradientSum(name));
          if (optimizer.kind === "sgd") sgdStep(optimizer, value, sum, states[index]![0], 1 / 3);
          else adamwStep(optimizer, value, sum, states[index]!, step, 1 / 3);
        }
        pipeline.clearGradientSums();
        await pipeline.step(batch, { update: step });
        for (const { name, value } of params)
          expect(floats(pipeline.parameter(name)), `${name} ${step}`).toEqual(value);
      }
    });
  });

  it("gives each microbatch its own loss, and depends on no other microbatch", async () => {
    await withPipeline(TIED_GPT, { devices: 3, microbatches: 3 }, async (pipeline, { plan, dataset }) => {
      const batch = await stepBatch(plan, dataset, 0);
      const { losses } = await pipeline.step(batch, { clear: true });
      expect(new Set(losses).size).toBe(3);
      for (const [index, loss] of losses.entries()) {
        const alone: StepResult = await pipeline.step(onlyMicrobatch(batch, index), { clear: true });
        expect(alone.losses).toEqual([loss, loss, loss]);
      }
    });
  });

  it.each(["inline", "process"] as const)("accounts for all the time of every device, %s", async (mode) => {
    await withPipeline(
      TINY_MLP,
      { devices: 2, microbatches: 3 },
      async (pipeline, { plan, dataset }) => {
        const { ms, rows } = await pipeline.step(await stepBatch(plan, dataset, 0), {
          update: 1,
        });
        for (const { shares } of rows) {
          expect(sumOfShares(shares)).toBeCloseTo(ms, 6);
          for (const share of ["compute", "update", "overhead"] as const) expect(shares[share]).toBeGreaterThan(0);
        }
      },
      mode,
    );
  });

  it("refuses batches that do not fit, with what would", async () => {
    await withPipeline(TINY_MLP, { devices: 1, microbatches: 2 }, async (pipeline, { plan, dataset }) => {
      const batch = await stepBatch(plan, dataset, 0);
      const [first] = batch.get("x")!;
      const step = (x: readonly Uint8Array[]) => pipeline.step(new Map([...batch, ["x", x]]), undefined);
      await expect(step([first!])).rejects.toThrow(
        "input x: the batch does not fit the plan; got 1 microbatches, expected 2 microbatches.",
      );
      await expect(step([first!, first!.subarray(4)])).rejects.toThrow(
        "input x: microbatch 1 has the wrong size; got 20 bytes, expected 24.",
      );
    });
  });
});

it("writes weights back that ONNX Runtime runs to the outputs of the pipeline", async () => {
  const { weights } = await trained(TIED_GPT, { devices: 3, schedule: "zb-h1", optimizer: ADAMW });
  const engine = createOrtEngine();
  await withPipeline(
    TIED_GPT,
    { devices: 2, withOutputs: true, microbatches: 1 },
    async (pipeline, { plan, dataset }) => {
      for (const [name, { bytes }] of weights) pipeline.writeParameter(name, bytes);
      const batch = await stepBatch(plan, dataset, 7);
      await pipeline.step(batch, { clear: true });
      const [logits] = plan.results.filter(({ name }) => name === "logits");
      const { dtype, shape } = plan.inputs.find(({ name }) => name === "tokens")!;
      const outputs = runOnce(
        engine,
        withWeights(modelFile(TIED_GPT.built), weights),
        new Map([["tokens", { dtype, shape, bytes: batch.get("tokens")![0]! }]]),
        new Map([["logits", { dtype: logits!.dtype, shape: logits!.shape }]]),
      );
      expect(floats(outputs.get("logits")!.bytes)).toEqual(floats(pipeline.result("logits")[0]!));
    },
  );
  engine.close();
});

it.runIf(hasUsualPolicy)("has workers that take long slices (Linux, no policy chosen)", async () => {
  await withPlan(TINY_MLP, { devices: 2 }, async ({ directory, plan }) => {
    const env = watchedEnv();
    const pipeline = await Pipeline.start(env, directory, plan, "process");
    try {
      expect(env.pids.map(policyOf)).toEqual([SCHED_BATCH, SCHED_BATCH]);
    } finally {
      await pipeline.close();
    }
  });
});

describe("faults", () => {
  it("name the stage whose worker was killed in a step, and leave no process", async () => {
    await withPlan(TINY_MLP, { devices: 2 }, async ({ directory, plan, dataset }) => {
      const env = watchedEnv();
      const pipeline = await Pipeline.start(env, directory, plan, "process");
      try {
        const batch = await stepBatch(plan, dataset, 0);
        await pipeline.step(batch, { clear: true });
        const [, pid] = env.pids as [number, number];
        process.kill(pid, "SIGSTOP");
        const faulty = pipeline.step(batch, { clear: true }).catch((caught: unknown) => caught);
        const begun = plan.rows[0]!.length;
        while (env.progressOf(plan, 0) === begun) await env.clock.sleep(1);
        process.kill(pid, "SIGKILL");
        const error = (await faulty) as PipewrightError;
        expect(error.code).toBe("TRAINING_FAULT");
        expect(error.message).toBe(
          "stage 1: the worker on device 1 was killed by SIGKILL. Training stopped; run it again from the plan.",
        );
      } finally {
        await pipeline.close();
      }
      expect(env.pids.map(isAlive)).toEqual([false, false]);
    });
  });

  it("tell why a worker could not load its stage", async () => {
    await withPlan(TINY_MLP, { devices: 2 }, async ({ directory, plan }, env) => {
      const other = exportGraph({ ...TINY_MLP.built.graph, nodes: [], outputs: [] });
      await env.files.writeAtomic(`${directory}/stages/1.forward.onnx`, other);
      const watched = watchedEnv();
      const error: unknown = await Pipeline.start(watched, directory, plan, "process").catch(
        (caught: unknown) => caught,
      );
      expect(error).toBeInstanceOf(PipewrightError);
      expect((error as PipewrightError).code).toBe("TRAINING_FAULT");
      expect((error as Error).message).toMatch(
        /^stage 1: the worker on device 1 failed: .+[^.]\. Training stopped; run it again from the plan\.$/s,
      );
      expect(watched.pids).toHaveLength(2);
      expect(watched.pids.map(isAlive)).toEqual([false, false]);
    });
  });
});

it("stops with the step and the microbatch when the loss is not finite", async () => {
  const optimizer = { ...SGD, learningRate: 1e38 };
  await withPlan(TINY_MLP, { devices: 2, optimizer }, async ({ directory, plan, dataset }, env: Env) => {
    const steps: number[] = [];
    const run = async (): Promise<void> => {
      for await (const { step } of train(env, directory, plan, { dataset, steps: 5, mode: "inline" })) steps.push(step);
    };
    const error: unknown = await run().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "LOSS_NOT_FINITE" });
    expect((error as Error).message).toMatch(/^step \d: /);
    expect(steps.length).toBeGreaterThan(0);
  });
});
