/** @file The plan that others are compared with: the same model, loss, optimizer and microbatches on one device. */
import { localCluster } from "../compiler/cluster.js";
import { compile } from "../compiler/compile.js";
import { parseLoss } from "../compiler/loss/spec.js";
import type { ModelLimits } from "../compiler/onnx/limits.js";
import { DEFAULT_LIMITS } from "../compiler/onnx/limits.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { Env } from "./env/env.js";
import { readWeights, writePlan } from "./plan/directory.js";
import { loadPlanModel } from "./plan/plan-model.js";
import type { PlanAt } from "./verify.js";

/**
 * Writes the one-device plan of the model in a plan directory to `target`.
 * Requires: `plan` was read from `directory`. @throws what `loadPlanModel` throws.
 */
export async function referencePlan(
  env: Env,
  { directory, plan }: PlanAt,
  target: string,
  limits: ModelLimits = DEFAULT_LIMITS,
): Promise<PlanAt> {
  const model = await loadPlanModel(env.files, directory, plan, limits);
  const compiled = await compile(
    { ...model, batchAxes: batchAxes(plan) },
    {
      cluster: localCluster(1),
      pipeline: { schedule: "1f1b", microbatches: plan.microbatches },
      training: {
        loss: plan.training.loss.map(parseLoss),
        ...(plan.training.trainable ? { trainable: plan.training.trainable } : {}),
        ...(plan.training.batchNorm ? { batchNorm: plan.training.batchNorm } : {}),
      },
      optimizer: plan.optimizer,
      partition: { model: plan.partition.model, solver: undefined },
      profile: "analytic",
    },
  );
  const weights = await readWeights(env, directory, plan);
  return { directory: target, plan: await writePlan(env, target, { ...compiled, weights, model: model.bytes }) };
}

function batchAxes({ inputs }: Plan): ReadonlyMap<string, number | null> {
  return new Map(inputs.map(({ name, batchAxis }) => [name, batchAxis ?? null]));
}
