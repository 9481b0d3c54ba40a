/** @file The trained model of a plan directory as one ONNX file. */
import { decodeModel } from "../compiler/onnx/codec.js";
import type { GraphProto, ModelProto, TensorProto } from "../compiler/onnx/proto.js";
import { changed } from "../compiler/onnx/proto.js";
import type { TrainedTensor } from "../compiler/onnx/write-back.js";
import { writeBack } from "../compiler/onnx/write-back.js";
import type { StoredTensor, Tensors } from "../compiler/plan/safetensors.js";
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
  const left = new Map(weights);
  const model = embedded(decodeModel(bytes), left);
  const trained = new Map(
    [...left].map(([name, { dtype, shape, bytes: own }]): [string, TrainedTensor] => [
      name,
      { type: { dtype, shape }, bytes: own },
    ]),
  );
  return writeBack(model, trained).bytes;
}

/** Takes the weights of external initializers out of `left` and puts them into the model. */
function embedded(model: ModelProto, left: Map<string, StoredTensor>): ModelProto {
  const graph = model.graph!;
  const initializer = (graph.initializer ?? []).map((tensor): TensorProto => {
    const stored = left.get(tensor.name ?? "");
    if (!stored || tensor.data_location !== 1) return tensor;
    left.delete(tensor.name ?? "");
    return {
      dims: tensor.dims,
      data_type: tensor.data_type,
      raw_data: stored.bytes,
      ...(tensor.name === undefined ? {} : { name: tensor.name }),
      ...(tensor.doc_string === undefined ? {} : { doc_string: tensor.doc_string }),
    };
  });
  const changes: Partial<GraphProto> = { initializer };
  return changed(model, { graph: changed(graph, changes) });
}
