/**
 * @file Groups, schedules, clipping, tied weights and running statistics through the whole product: right against
 * PyTorch, and the same bits on one, two and three stages, in this thread and in processes.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../compiler/compile.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import type { OptimizerSpec } from "../../compiler/plan/plan.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { readSafetensors } from "../../compiler/plan/safetensors.js";
import type { Dataset } from "../../runtime/dataset/dataset.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { loadWeights, modelOf } from "../../runtime/model-file.js";
import type { PipelineMode } from "../../runtime/pipeline.js";
import { writePlan } from "../../runtime/plan/directory.js";
import { train } from "../../runtime/train.js";
import { tinyCluster } from "../support/tiny-models.js";

interface Curve {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
}

interface ReferenceRun extends Curve {
  readonly name: string;
  readonly optimizer: { readonly kind: "sgd" | "adamw"; readonly lr: number; readonly weight_decay: number } & {
    readonly [setting: string]: number | string;
  };
  readonly clip_norm: number | null;
  readonly groups: readonly {
    readonly parameters: readonly string[];
    readonly weight_decay?: number;
    readonly lr_scale?: number;
  }[];
  readonly schedule: {
    readonly kind: "constant" | "linear" | "cosine";
    readonly warmup: number;
    readonly warmup_start: number;
    readonly total: number | null;
    readonly floor: number;
  } | null;
  readonly batch_norm: "train" | "frozen" | null;
  readonly learning_rates: readonly number[];
  readonly float32_rel_dev: Curve & { readonly weights: Readonly<Record<string, number>> };
}

interface ReferenceCase {
  readonly loss: string;
  readonly microbatches: number;
  readonly runs: readonly ReferenceRun[];
}

/** Everything compares within this of the largest magnitude, or within some multiple of what torch in float32 strays. */
const FLOOR = 1e-5;
const TORCH_MULTIPLE = 20;

const env = nodeEnv();
const root = fileURLToPath(new URL("../../fixtures/reference/training", import.meta.url));
const names = readdirSync(root).filter((name) => !name.endsWith(".md"));

function optimizerOf({ optimizer, clip_norm: clipNorm, groups, schedule }: ReferenceRun): OptimizerSpec {
  const { kind, lr: learningRate, weight_decay: weightDecay, ...settings } = optimizer;
  return {
    kind,
    learningRate,
    weightDecay,
    ...settings,
    ...(clipNorm === null ? {} : { clipNorm }),
    groups: groups.map(({ parameters, weight_decay: own, lr_scale: scale }) => ({
      parameters,
      ...(own === undefined ? {} : { weightDecay: own }),
      ...(scale === undefined ? {} : { learningRateScale: scale }),
    })),
    ...(schedule && {
      schedule: {
        kind: schedule.kind,
        warmupSteps: schedule.warmup,
        warmupStart: schedule.warmup_start,
        ...(schedule.total === null ? {} : { totalSteps: schedule.total }),
        floor: schedule.floor,
      },
    }),
  } as unknown as OptimizerSpec;
}

/** The same microbatches in every step. */
function datasetOf(reference: Tensors, microbatches: number): Dataset {
  const whole = [...reference].filter(([name]) => name.startsWith("batch."));
  const feeds = (_: number, microbatch: number) =>
    Promise.resolve(
      new Map(
        whole.map(([name, { bytes }]) => {
          const size = bytes.length / microbatches;
          return [name.slice("batch.".length), bytes.slice(microbatch * size, (microbatch + 1) * size)];
        }),
      ),
    );
  return { samples: undefined, about: "reference", feeds };
}

/** What a run on some stages gave. */
interface Outcome extends Curve {
  readonly rates: readonly number[];
  readonly weights: Tensors;
  readonly digest: string;
}

describe.each(names)("%s", (name) => {
  const about = JSON.parse(readFileSync(`${root}/${name}/case.json`, "utf8")) as ReferenceCase;
  const reference = readSafetensors(new Uint8Array(readFileSync(`${root}/${name}/reference.safetensors`)));
  const model = modelOf(readFileSync(`${root}/${name}/model.onnx`), name, {});

  async function outcome(run: ReferenceRun, stages: number, schedule: string, mode: PipelineMode): Promise<Outcome> {
    const compiled = await compile(model, {
      cluster: tinyCluster(stages),
      pipeline: { schedule, microbatches: about.microbatches },
      training: { loss: [parseLoss(about.loss)], ...(run.batch_norm ? { batchNorm: run.batch_norm } : {}) },
      optimizer: optimizerOf(run),
      partition: { model: "direct", solver: undefined },
      profile: "analytic",
    });
    const folder = await env.files.temporaryDirectory();
    try {
      const start = await loadWeights(env, model);
      const plan = await writePlan(env, `${folder}/plan`, { ...compiled, weights: start, model: model.bytes });
      expect(plan.stages).toHaveLength(stages);
      const [losses, norms, rates]: [number[], number[], number[]] = [[], [], []];
      let weights: Tensors = new Map();
      const onTrained = (trained: Tensors): void => void (weights = trained);
      const dataset = datasetOf(reference, about.microbatches);
      const options = { dataset, steps: run.losses.length, mode, onTrained };
      for await (const { loss, gradNorm, learningRate } of train(env, `${folder}/plan`, plan, options)) {
        losses.push(loss);
        if (gradNorm !== undefined) norms.push(gradNorm);
        rates.push(learningRate);
      }
      const hash = createHash("sha256");
      for (const [tensor, { bytes }] of weights) hash.update(tensor).update(bytes);
      return { losses, norms, rates, weights, digest: hash.digest("hex") };
    } finally {
      await env.files.remove(folder);
    }
  }

  describe.each(about.runs.map((run) => [run.name, run] as const))("%s", (_, run) => {
    let alone: Outcome;
    beforeAll(async () => {
      alone = await outcome(run, 1, "1f1b", "inline");
    });

    const within = (got: readonly number[], wanted: readonly number[], deviations: readonly number[]): void => {
      expect(got).toHaveLength(wanted.length);
      for (const [step, value] of wanted.entries()) {
        const limit = Math.max(FLOOR, TORCH_MULTIPLE * deviations[step]!);
        expect(Math.abs(got[step]! - value) / Math.abs(value), `step ${step}`).toBeLessThanOrEqual(limit);
      }
    };

    it("has PyTorch's losses, norms and learning rates", () => {
      within(alone.losses, run.losses, run.float32_rel_dev.losses);
      if (run.clip_norm !== null) within(alone.norms, run.norms, run.float32_rel_dev.norms);
      else expect(alone.norms).toEqual([]);
      expect(alone.rates).toEqual(run.learning_rates.map((rate): unknown => expect.closeTo(rate, 12)));
    });

    it("ends with PyTorch's weights and statistics", () => {
      for (const [tensor, { bytes }] of alone.weights) {
        const got = new Float32Array(bytes.slice().buffer);
        const wanted = new Float32Array(reference.get(`${run.name}.${tensor}`)!.bytes.slice().buffer);
        const scale = Math.max(...wanted.map(Math.abs));
        const error = Math.max(...got.map((value, at) => Math.abs(value - wanted[at]!))) / scale;
        const limit = Math.max(FLOOR, TORCH_MULTIPLE * run.float32_rel_dev.weights[tensor]!);
        expect(error, tensor).toBeLessThanOrEqual(limit);
      }
    });

    it.each([
      [2, "1f1b", "inline"],
      [2, "zb-h1", "process"],
      [3, "gpipe", "inline"],
    ] as const)("has the same bits on %i stages under %s, %s", async (stages, schedule, mode) => {
      const { losses, norms, digest } = await outcome(run, stages, schedule, mode);
      expect({ losses, norms, digest }).toEqual({ losses: alone.losses, norms: alone.norms, digest: alone.digest });
    });
  });
});
