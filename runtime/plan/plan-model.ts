/** @file The model in a plan directory, which gets the trained weights. It passes the same checks as a model of the user. */
import { PipewrightError } from "../../compiler/errors.js";
import type { TensorType } from "../../compiler/ir/graph.js";
import { formatType } from "../../compiler/ir/print.js";
import { formatName } from "../../compiler/names.js";
import { decodeModel } from "../../compiler/onnx/codec.js";
import type { ModelLimits } from "../../compiler/onnx/limits.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Files } from "../env/env.js";
import type { InputShapes, LoadedModel } from "../model-file.js";
import { modelOf } from "../model-file.js";
import { readPlainFile } from "../plain-file.js";
import { PLAN_FILES } from "./directory.js";

/**
 * The model with the sizes of the plan. Ensures: every parameter of the plan is one of the model, of the same type.
 * Requires: `plan` was read from `directory`.
 * @throws FILE; LIMIT_EXCEEDED; ARTEFACT_MISMATCH for a model that is malformed, or is not the one of the plan.
 */
export async function loadPlanModel(
  files: Files,
  directory: string,
  plan: Plan,
  limits: ModelLimits,
): Promise<LoadedModel> {
  const bytes = await readPlainFile(files, directory, PLAN_FILES.model, limits.fileBytes);
  const path = `${directory}/${PLAN_FILES.model}`;
  const model = imported(bytes, path, plan, limits);
  const types = new Map(model.graph.params.map(({ name, type }) => [name, type]));
  for (const { name, ...type } of plan.parameters) {
    const found = types.get(name);
    if (found && isSame(found, type)) continue;
    throw misfit(
      path,
      `it is not the model of the plan; got ${found ? formatType(found) : "no parameter"} for ${formatName(name)}, expected ${formatType(type)}`,
    );
  }
  return model;
}

function imported(bytes: Uint8Array, path: string, plan: Plan, limits: ModelLimits): LoadedModel {
  try {
    return modelOf(bytes, plan.model.name, plan.training.bind, inputShapes(bytes, plan, limits), limits);
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    if (error.code !== "LIMIT_EXCEEDED") throw misfit(path, `it cannot be imported: ${error.message}`);
    throw new PipewrightError(error.code, `${path}: ${error.message}`, error.details);
  }
}

/** Shapes that the plan has and the file leaves out. Targets are no inputs of the model. */
function inputShapes(bytes: Uint8Array, plan: Plan, limits: ModelLimits): InputShapes {
  const { graph } = decodeModel(bytes, limits);
  const shapeless = (graph?.input ?? []).filter(({ type }) => !type?.tensor_type?.shape);
  const names = new Set(shapeless.map(({ name }) => name));
  return Object.fromEntries(plan.inputs.filter(({ name }) => names.has(name)).map(({ name, shape }) => [name, shape]));
}

function isSame(one: TensorType, other: TensorType): boolean {
  return one.dtype === other.dtype && String(one.shape) === String(other.shape);
}

function misfit(path: string, what: string): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `${path}: ${what.replace(/\.$/, "")}. Make the plan again with \`pipewright partition\`.`,
    { path },
  );
}
