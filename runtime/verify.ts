/** @file Verification: the gradients and one training step of a plan against the same model on one device, bit for bit. */
import type { Plan } from "../compiler/plan/plan.js";
import type { Env } from "./env/env.js";
import type { Batch, PipelineMode } from "./pipeline.js";
import { Pipeline } from "./pipeline.js";
import { readWeights } from "./plan/directory.js";

/** A plan and where it lies. */
export interface PlanAt {
  readonly directory: string;
  readonly plan: Plan;
}

/** One tensor of the comparison. */
export interface TensorComparison {
  readonly name: string;
  readonly isEqual: boolean;
  /** Largest difference, relative to the largest magnitude of the reference; 0 when equal, Infinity for NaN. */
  readonly relativeError: number;
}

export interface Verification {
  /** True when every tensor has the same bits. */
  readonly equal: boolean;
  readonly maxRelativeError: number;
  /** The loss of each microbatch, each parameter's gradient sum, and each parameter after one update. */
  readonly tensors: readonly TensorComparison[];
}

/**
 * Runs both plans on the same batch and compares.
 *
 * Requires: plans of the same model, loss, optimizer and number of microbatches.
 */
export async function verifyPlans(
  env: Env,
  subject: PlanAt,
  reference: PlanAt,
  batch: Batch,
  mode: PipelineMode = "process",
): Promise<Verification> {
  const ours = await observe(env, subject, batch, mode);
  const theirs = await observe(env, reference, batch, mode);
  const tensors = [...theirs].map(([name, wanted]) => compareTensors(name, ours.get(name), wanted));
  return {
    equal: tensors.every(({ isEqual }) => isEqual),
    maxRelativeError: Math.max(0, ...tensors.map(({ relativeError }) => relativeError)),
    tensors,
  };
}

/** All that a step shows: results, gradient sums, and the parameters after the update at the full learning rate. */
async function observe(
  env: Env,
  { directory, plan }: PlanAt,
  batch: Batch,
  mode: PipelineMode,
): Promise<Map<string, Float32Array>> {
  const weights = await readWeights(env, directory, plan);
  const pipeline = await Pipeline.start(env, directory, plan, mode);
  try {
    const trained = plan.parameters.filter(({ trainable }) => trainable);
    const load = (): void => {
      for (const { name } of plan.parameters) pipeline.writeParameter(name, weights.get(name)!.bytes);
    };
    load();
    const seen = new Map<string, Float32Array>();
    await pipeline.step(batch, undefined);
    for (const [microbatch, bytes] of pipeline.result("loss").entries())
      seen.set(`loss of microbatch ${microbatch}`, floats(bytes));
    for (const { name } of trained) seen.set(`gradient of ${name}`, floats(pipeline.gradientSum(name)));
    pipeline.clearGradientSums();
    load();
    await pipeline.step(batch, { update: 1 + (plan.optimizer.schedule?.warmupSteps ?? 0) });
    for (const { name } of trained) seen.set(`${name} after one step`, floats(pipeline.parameter(name)));
    return seen;
  } finally {
    await pipeline.close();
  }
}

/** Compares bits; the relative error says how far apart unequal ones are. */
function compareTensors(name: string, got: Float32Array | undefined, wanted: Float32Array): TensorComparison {
  if (got?.length !== wanted.length) return { name, isEqual: false, relativeError: Infinity };
  const left = new Uint32Array(got.buffer, got.byteOffset, got.length);
  const right = new Uint32Array(wanted.buffer, wanted.byteOffset, wanted.length);
  if (left.every((bits, index) => bits === right[index])) return { name, isEqual: true, relativeError: 0 };
  let difference = 0;
  let magnitude = 0;
  for (const [index, value] of wanted.entries()) {
    difference = Math.max(difference, Math.abs(value - got[index]!));
    magnitude = Math.max(magnitude, Math.abs(value));
  }
  const relativeError = Number.isNaN(difference) ? Infinity : difference / (magnitude || 1);
  return { name, isEqual: false, relativeError };
}

function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer);
}
