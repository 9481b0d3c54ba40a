/** @file Trains tiny models through the whole runtime: plan on disk, workers, steps. */
import { createHash } from "node:crypto";
import { elementCount } from "../../compiler/ir/literal.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { modelFile } from "../../models/file.js";
import type { Dataset } from "../../runtime/dataset/dataset.js";
import type { Env } from "../../runtime/env/env.js";
import { nodeEnv } from "../../runtime/env/node.js";
import type { PipelineMode } from "../../runtime/pipeline.js";
import { writePlan } from "../../runtime/plan/directory.js";
import { train } from "../../runtime/train.js";
import type { TinyModel, TinyOptions } from "./tiny-models.js";
import { compileTiny } from "./tiny-models.js";

/** A plan on disk and samples to train it on. */
export interface TinyPlan {
  readonly directory: string;
  readonly plan: Plan;
  readonly dataset: Dataset;
}

/** What a training gave. */
export interface Trained {
  readonly losses: readonly number[];
  readonly weights: Tensors;
  /** sha256 over names and bytes of all weights. */
  readonly digest: string;
}

/** Writes the plan of a tiny model into a fresh directory, runs `use` and removes it. */
export async function withPlan<T>(
  model: TinyModel,
  options: TinyOptions,
  use: (tiny: TinyPlan, env: Env) => Promise<T>,
): Promise<T> {
  const env = nodeEnv();
  const folder = await env.files.temporaryDirectory();
  try {
    const compiled = await compileTiny(model, options);
    const contents = { ...compiled, weights: startWeights(model), model: modelFile(model.built) };
    const directory = `${folder}/plan`;
    const plan = await writePlan(env, directory, contents);
    return await use({ directory, plan, dataset: datasetOf(model) }, env);
  } finally {
    await env.files.remove(folder);
  }
}

/** Trains a tiny model from its first weights. */
export function trained(
  model: TinyModel,
  options: TinyOptions & { readonly steps?: number; readonly mode?: PipelineMode; readonly env?: Env },
): Promise<Trained> {
  const { steps = 3, mode = "inline", env: own, ...compiling } = options;
  return withPlan(model, compiling, async ({ directory, plan, dataset }, real) => {
    const env = own ?? real;
    const losses: number[] = [];
    let weights: Tensors = new Map();
    const onTrained = (all: Tensors): void => {
      weights = all;
    };
    for await (const { loss } of train(env, directory, plan, { dataset, steps, mode, onTrained })) losses.push(loss);
    return { losses, weights, digest: digestOf(weights) };
  });
}

/** The samples of the model's task. */
export function datasetOf({ task }: TinyModel): Dataset {
  return { samples: undefined, about: task.name, feeds: (step, microbatch) => task.feeds(step, microbatch) };
}

/** The weights that the model was made with. */
export function startWeights({ built }: Pick<TinyModel, "built">): Tensors {
  return new Map(
    built.graph.params.map(({ name, type }) => {
      const elements = built.weights.get(name)!;
      if (elements.length !== elementCount(type.shape)) throw new Error(`weights of ${name} do not fit`);
      return [name, { ...type, bytes: new Uint8Array(elements.slice().buffer) }];
    }),
  );
}

/** sha256 over names and bytes of all weights. */
export function digestOf(weights: Tensors): string {
  const hash = createHash("sha256");
  for (const [name, { bytes }] of weights) hash.update(name).update(bytes);
  return hash.digest("hex");
}
