/** @file Trains tiny models with checkpoints, several plans of one model against the same directory of checkpoints. */
import { createHash } from "node:crypto";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { modelFile } from "../../models/file.js";
import type { CheckpointEvent, CheckpointOptions } from "../../runtime/checkpoint/checkpointer.js";
import type { Env } from "../../runtime/env/env.js";
import { writePlan } from "../../runtime/plan/directory.js";
import type { StepReport, TrainOptions } from "../../runtime/train.js";
import { train } from "../../runtime/train.js";
import type { TinyModel, TinyOptions } from "./tiny-models.js";
import { compileTiny } from "./tiny-models.js";
import type { TinyPlan } from "./training.js";
import { datasetOf, startWeights } from "./training.js";

/** Compiles a tiny model into `directory`. Its data say what they are, as data from files do. */
export async function planAt(
  env: Env,
  directory: string,
  model: TinyModel,
  options: TinyOptions = {},
): Promise<TinyPlan> {
  const compiled = await compileTiny(model, options);
  const contents = { ...compiled, weights: startWeights(model), model: modelFile(model.built) };
  const plan = await writePlan(env, directory, contents);
  const identity = { source: model.task.name, seed: 0, shuffle: false, samples: null };
  return { directory, plan, dataset: { ...datasetOf(model), identity } };
}

/** What a run left: equal digests mean equal bits of all parameters. */
export interface ResumedRun {
  readonly losses: readonly number[];
  readonly digest: string;
  readonly events: readonly CheckpointEvent[];
}

export type ResumingOptions = Partial<Omit<TrainOptions, "checkpoints">> & {
  readonly steps: number;
  readonly checkpoints?: Omit<CheckpointOptions, "onEvent">;
  readonly onStep?: (report: StepReport) => void;
  readonly onCheckpoint?: (event: CheckpointEvent) => void;
};

/** Trains to `steps`, in this thread unless told otherwise. */
export async function trainTo(
  env: Env,
  { directory, plan, dataset }: TinyPlan,
  options: ResumingOptions,
): Promise<ResumedRun> {
  const { checkpoints, onStep, onCheckpoint, ...rest } = options;
  const events: CheckpointEvent[] = [];
  const onEvent = (event: CheckpointEvent): void => {
    events.push(event);
    onCheckpoint?.(event);
  };
  const losses: number[] = [];
  let weights: Tensors = new Map();
  const run = train(env, directory, plan, {
    dataset,
    mode: "inline",
    ...rest,
    ...(checkpoints ? { checkpoints: { ...checkpoints, onEvent } } : {}),
    onTrained: (trained) => void (weights = trained),
  });
  for await (const report of run) {
    losses.push(report.loss);
    onStep?.(report);
  }
  return { losses, digest: digestOfTensors(weights), events };
}

/** sha256 over names and bytes, in the order of names, which does not depend on stages. */
function digestOfTensors(tensors: Tensors): string {
  const hash = createHash("sha256");
  for (const [name, { bytes }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(bytes);
  return hash.digest("hex");
}
