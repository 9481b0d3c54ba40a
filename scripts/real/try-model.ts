/** @file One real model through the import and back: imported, refused with a reason, or a fault of ours. */
import { PipewrightError } from "../../compiler/errors.js";
import { formatGraph } from "../../compiler/ir/print.js";
import { verify } from "../../compiler/ir/verify.js";
import { exportGraph } from "../../compiler/onnx/export.js";
import { importModel } from "../../compiler/onnx/import.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { Env } from "../../runtime/env/env.js";
import type { LoadedModel } from "../../runtime/model-file.js";
import { loadModel, loadWeights } from "../../runtime/model-file.js";

/** What became of a model. */
export type Outcome =
  | { readonly kind: "imported"; readonly nodes: number }
  | { readonly kind: "refused"; readonly code: string; readonly reason: string }
  /** A crash, an internal error, or a text form that changes on its way through a file. */
  | { readonly kind: "fault"; readonly reason: string };

/** Sizes that symbolic dims are bound to, one after the other while they do not fit the model. */
const SIZES = [2, 1];

/** Errors that say that an invented size does not fit. */
const MISFITS = ["SHAPE_MISMATCH", "MODEL_MALFORMED", "MODEL_UNSUPPORTED", "LIMIT_EXCEEDED"];

/** Imports a file, exports it and imports that. Ensures: never throws. */
export async function tryModel(env: Env, path: string): Promise<Outcome> {
  try {
    const model = await loadBound(env, path);
    verify(model.graph, OPS, "import");
    const tensors = await loadWeights(env, model);
    const weights = new Map([...tensors].map(([name, { bytes }]) => [name, bytes]));
    const again = importModel(exportGraph(model.graph, { weights }));
    const [first, second] = [formatGraph(model.graph), formatGraph(again.graph)];
    if (first === second) return { kind: "imported", nodes: model.graph.nodes.length };
    return { kind: "fault", reason: `its text form changes: ${firstDifference(first, second)}` };
  } catch (error) {
    if (!(error instanceof PipewrightError)) {
      return { kind: "fault", reason: error instanceof Error ? String(error.stack) : String(error) };
    }
    return { kind: "refused", code: error.code, reason: error.message };
  }
}

/** The model with its symbolic dims bound to some size. */
async function loadBound(env: Env, path: string): Promise<LoadedModel> {
  const dims = await unboundDims(env, path);
  if (dims.length === 0) return loadModel(env, path);
  const bound = (size: number): Promise<LoadedModel> =>
    loadModel(env, path, Object.fromEntries(dims.map((dim) => [dim, size])));
  try {
    return await bound(SIZES[0]!);
  } catch (error) {
    if (!(error instanceof PipewrightError) || !MISFITS.includes(error.code)) throw error;
    return bound(SIZES[1]!);
  }
}

async function unboundDims(env: Env, path: string): Promise<readonly string[]> {
  try {
    await loadModel(env, path);
    return [];
  } catch (error) {
    if (!(error instanceof PipewrightError) || error.code !== "DIM_UNBOUND") throw error;
    if (!Array.isArray(error.details.dims)) throw error;
    return error.details.dims as readonly string[];
  }
}

function firstDifference(first: string, second: string): string {
  const [left, right] = [first.split("\n"), second.split("\n")];
  const at = left.findIndex((line, index) => line !== right[index]);
  return `${JSON.stringify(left[at])} becomes ${JSON.stringify(right[at])}`;
}
