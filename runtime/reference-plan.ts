/** @file The plan that others are compared with: the same model, loss, optimizer and microbatches on one device. */
import { localCluster } from "../compiler/cluster.js";
import { compile } from "../compiler/compile.js";
import { parseLoss } from "../compiler/loss/spec.js";
import { decodeModel } from "../compiler/onnx/codec.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { Env } from "./env/env.js";
import type { InputShapes } from "./model-file.js";
import { modelOf } from "./model-file.js";
import { readPlainFile } from "./plain-file.js";
import { PLAN_FILES, readWeights, writePlan } from "./plan/directory.js";
import type { PlanAt } from "./verify.js";

/**
 * Writes the one-device plan of the model in a plan directory to `target`.
 * Requires: `plan` was read from `directory`.
 */
export async function referencePlan(env: Env, { directory, plan }: PlanAt, target: string): Promise<PlanAt> {
  const bytes = await readPlainFile(env.files, directory, PLAN_FILES.model);
  const model = modelOf(bytes, plan.model.name, plan.training.bind, inputShapes(bytes, plan));
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
  return { directory: target, plan: await writePlan(env, target, { ...compiled, weights, model: bytes }) };
}

/** Shapes that the plan has and the file leaves out. Targets are no inputs of the model. */
function inputShapes(bytes: Uint8Array, plan: Plan): InputShapes {
  const shapeless = (decodeModel(bytes).graph?.input ?? []).filter(({ type }) => !type?.tensor_type?.shape);
  const names = new Set(shapeless.map(({ name }) => name));
  return Object.fromEntries(plan.inputs.filter(({ name }) => names.has(name)).map(({ name, shape }) => [name, shape]));
}

function batchAxes({ inputs }: Plan): ReadonlyMap<string, number | null> {
  return new Map(inputs.map(({ name, batchAxis }) => [name, batchAxis ?? null]));
}
