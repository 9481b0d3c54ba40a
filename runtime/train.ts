/** @file Trains a plan: feeds batches, runs steps, watches the loss. */
import { plainName } from "../compiler/names.js";
import { PipewrightError } from "../compiler/errors.js";
import { learningRateAt } from "../compiler/optimizer/learning-rate.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { Tensors } from "../compiler/plan/safetensors.js";
import type { CheckpointOptions } from "./checkpoint/checkpointer.js";
import { Checkpointer } from "./checkpoint/checkpointer.js";
import { fingerprintOf } from "./checkpoint/fingerprint.js";
import { belongingOf } from "./checkpoint/manifest.js";
import { captureState, restoreState } from "./checkpoint/state.js";
import type { Dataset } from "./dataset/dataset.js";
import { ReadAhead } from "./dataset/read-ahead.js";
import type { Env } from "./env/env.js";
import { explainGradientNotFinite, explainNotFinite } from "./non-finite.js";
import type { Batch, PipelineMode } from "./pipeline.js";
import { Pipeline } from "./pipeline.js";
import type { OnRecovery } from "./recovery.js";
import { readWeights } from "./plan/directory.js";
import type { RowTimes } from "./row-times.js";

/** Steps whose samples are read ahead. */
export const DEFAULT_PREFETCH = 2;

/** What one step of training did. */
export interface StepReport {
  /** Counts from 1. */
  readonly step: number;
  /** Mean over the microbatches, before the update. */
  readonly loss: number;
  /** Of the parameters that are in no group of the optimizer. */
  readonly learningRate: number;
  /** Norm of the gradient of all parameters, before it is clipped; undefined where gradients are not clipped. */
  readonly gradNorm: number | undefined;
  /** Wall time, update included. */
  readonly ms: number;
  /** When each action ran, by device. */
  readonly rows: readonly RowTimes[];
  /** Wall time that the step waited for its samples, before `ms`. */
  readonly dataMs: number;
  /** Wall time that the step waited for a checkpoint, before `ms`. */
  readonly checkpointMs: number;
}

export interface TrainOptions {
  readonly dataset: Dataset;
  /** Of the whole run, with those before a resume. */
  readonly steps: number;
  /** Steps whose samples are read ahead. Default 2. */
  readonly prefetch?: number;
  /** Left out: nothing is saved, and an early end loses the run. */
  readonly checkpoints?: CheckpointOptions;
  /** A child process per device (default), or everything in this thread. */
  readonly mode?: PipelineMode;
  /** Lost workers that may be replaced; see Pipeline.start. */
  readonly restarts?: number;
  /** How long a worker may stand still; see Pipeline.start. */
  readonly hangMs?: number;
  readonly onRecovery?: OnRecovery;
  /** Gets the trained parameters when all steps are done. */
  readonly onTrained?: (weights: Tensors) => void | Promise<void>;
  /** Asked between steps; true ends the training early, with the parameters handed out as usual. */
  readonly isCancelled?: () => boolean;
}

/**
 * Runs a plan directory step by step.
 *
 * Requires: `plan` was read from `directory`.
 * Ensures: same plan, weights, data and machine type give the same losses and parameters, bit for bit, whatever the
 * number of stages or the mode; no process is left, however it ends.
 * @throws TRAINING_FAULT when a worker dies, LOSS_NOT_FINITE when the loss, or the norm of clipped
 * gradients, is NaN or infinite.
 */
export async function* train(
  env: Env,
  directory: string,
  plan: Plan,
  options: TrainOptions,
): AsyncGenerator<StepReport> {
  const {
    dataset,
    steps,
    mode = "process",
    prefetch = DEFAULT_PREFETCH,
    onTrained,
    isCancelled = () => false,
  } = options;
  const { clock } = env;
  const weights = await readWeights(env, directory, plan);
  const pipeline = await Pipeline.start(env, directory, plan, mode, options);
  let checkpointer: Checkpointer | undefined;
  try {
    for (const { name } of plan.parameters) pipeline.writeParameter(name, weights.get(name)!.bytes);
    const belonging = belongingOf(plan, dataset.identity ?? null, fingerprintOf(plan, pipeline.engines));
    if (options.checkpoints) checkpointer = new Checkpointer(env.files, options.checkpoints, belonging);
    const resumed = await checkpointer?.resume(plan);
    if (resumed) restoreState(pipeline, resumed);
    const history = [...(resumed?.losses ?? [])];
    const batches = new ReadAhead((step) => stepBatch(plan, dataset, step), history.length, steps, prefetch);
    while (history.length < steps && !isCancelled()) {
      const step = history.length + 1;
      const askedMs = clock.nowMs();
      const batch = await batches.take();
      const dataMs = clock.nowMs() - askedMs;
      const { ms, rows, losses, gradNorm } = await pipeline.step(batch, { update: step });
      const loss = mean(losses);
      if (!Number.isFinite(loss)) throw await explainNotFinite(env, directory, pipeline, { step, losses, batch });
      if (!Number.isFinite(gradNorm ?? 0)) throw explainGradientNotFinite(pipeline, step, loss);
      history.push(loss);
      const savingMs = clock.nowMs();
      if (checkpointer?.isDue(step)) await checkpointer.save(captureState(pipeline, history));
      const learningRate = learningRateAt(plan.optimizer, step);
      yield { step, loss, learningRate, gradNorm, ms, rows, dataMs, checkpointMs: clock.nowMs() - savingMs };
    }
    const isEarly = history.length < steps;
    if (checkpointer && (isEarly || options.checkpoints!.every > 0))
      await checkpointer.saveLast(captureState(pipeline, history));
    await onTrained?.(currentWeights(pipeline, plan));
  } finally {
    await pipeline.close();
    await checkpointer?.settle();
  }
}

/** Inputs of all microbatches of a step. Steps count from 0. @throws ARTEFACT_MISMATCH when the dataset lacks an input. */
export async function stepBatch(plan: Plan, dataset: Dataset, step: number): Promise<Batch> {
  const microbatches = await Promise.all(
    Array.from({ length: plan.microbatches }, (_, microbatch) => dataset.feeds(step, microbatch)),
  );
  return new Map(
    plan.inputs.map(({ name, batchAxis }): [string, readonly Uint8Array[]] => {
      const wanted = batchAxis === undefined ? microbatches.slice(0, 1) : microbatches;
      const tensors = wanted.map((feeds) => {
        const bytes = feeds.get(name);
        if (bytes) return bytes;
        const known = [...feeds.keys()].map(plainName).join(", ");
        throw new PipewrightError(
          "ARTEFACT_MISMATCH",
          `data: input ${plainName(name)} is missing; got ${known || "nothing"}. Name the source's tensors after the inputs.`,
        );
      });
      return [name, tensors];
    }),
  );
}

/** Copies of all parameters as they are now. */
function currentWeights(pipeline: Pipeline, plan: Plan): Tensors {
  return new Map(
    plan.parameters.map(({ name, dtype, shape }) => [name, { dtype, shape, bytes: pipeline.parameter(name).slice() }]),
  );
}

/** Sum in index order, so that the mean has the same bits everywhere. */
function mean(losses: readonly number[]): number {
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}
