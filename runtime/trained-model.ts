/** @file The trained model of a plan directory as one ONNX file. */
import { tensorBytes } from "../compiler/ir/literal.js";
import { decodeModel, encodeModel } from "../compiler/onnx/codec.js";
import { isExternal } from "../compiler/onnx/external.js";
import { UNLIMITED } from "../compiler/onnx/limits.js";
import type { TensorProto } from "../compiler/onnx/proto.js";
import { changed } from "../compiler/onnx/proto.js";
import { tensorType } from "../compiler/onnx/tensor-data.js";
import type { TrainedTensor } from "../compiler/onnx/write-back.js";
import { writeBack } from "../compiler/onnx/write-back.js";
import type { Tensors } from "../compiler/plan/safetensors.js";
import type { Env } from "./env/env.js";
import { PLAN_FILES } from "./plan/directory.js";

/**
 * The model of a plan directory with new weights, written to `out`. Nodes, names and metadata stay as they were.
 * @throws FILE; MODEL_UNSUPPORTED for parameters that have no place in the file.
 */
export async function writeTrained(env: Env, directory: string, weights: Tensors, out: string): Promise<void> {
  const bytes = await env.files.read(`${directory}/${PLAN_FILES.model}`);
  await env.files.writeAtomic(out, withWeights(bytes, weights));
}

/** The model file with new weights. Tensors that lay in other files move into it, so that no other file changes. */
export function withWeights(bytes: Uint8Array, weights: Tensors): Uint8Array {
  return writeBack(embedded(bytes, weights), trainedTensors(weights)).bytes;
}

function trainedTensors(weights: Tensors): ReadonlyMap<string, TrainedTensor> {
  return new Map([...weights].map(([name, { dtype, shape, bytes }]) => [name, { type: { dtype, shape }, bytes }]));
}

/** The model file with room for the external initializers among `weights`. */
function embedded(bytes: Uint8Array, weights: Tensors): Uint8Array {
  const model = decodeModel(bytes, UNLIMITED);
  const graph = model.graph!;
  const isMoved = (tensor: TensorProto): boolean => isExternal(tensor) && weights.has(tensor.name ?? "");
  if (!graph.initializer?.some(isMoved)) return bytes;
  const initializer = graph.initializer.map((tensor): TensorProto => {
    if (!isMoved(tensor)) return tensor;
    const room = new Uint8Array(tensorBytes(tensorType(tensor, tensor.name ?? "")));
    return changed(tensor, { raw_data: room, external_data: [], data_location: 0 });
  });
  return encodeModel(changed(model, { graph: changed(graph, { initializer }) }));
}
