/** @file Writes trained weights back into the model file that they came from. */
import { PipewrightError } from "../compiler/errors.js";
import { decodeModel, encodeModel } from "../compiler/onnx/codec.js";
import type { NodeProto, TensorProto } from "../compiler/onnx/proto.js";
import type { StoredTensor, Tensors } from "../compiler/plan/safetensors.js";
import type { Env } from "./env/env.js";
import { PLAN_FILES } from "./plan/directory.js";

/**
 * The model of a plan directory with new weights, written to `out`. Nodes, names and metadata stay as they were.
 * @throws FILE, LIMIT_EXCEEDED for models over 2 GiB.
 */
export async function writeTrained(env: Env, directory: string, weights: Tensors, out: string): Promise<void> {
  const bytes = await env.files.read(`${directory}/${PLAN_FILES.model}`);
  await env.files.writeAtomic(out, withWeights(bytes, weights));
}

/** The model file with the given tensors in place of its initializers and constants of the same names. */
export function withWeights(bytes: Uint8Array, weights: Tensors): Uint8Array {
  const model = decodeModel(bytes);
  const graph = model.graph!;
  const left = new Set(weights.keys());
  const replaced = (tensor: TensorProto, name: string): TensorProto => {
    const stored = weights.get(name);
    if (!stored) return tensor;
    left.delete(name);
    return tensorOf(tensor, stored);
  };
  const initializer = (graph.initializer ?? []).map((tensor) => replaced(tensor, tensor.name ?? ""));
  const node = (graph.node ?? []).map((entry) => withConstant(entry, replaced));
  if (left.size > 0) {
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      `trained model: the file has no tensor for ${[...left].slice(0, 5).join(", ")}; such parameters are made by its nodes. The weights are in the plan directory.`,
      { parameters: [...left] },
    );
  }
  return encodeModel({ ...model, graph: { ...graph, initializer, node } });
}

/** A node that holds a tensor as an attribute names it by its output. */
function withConstant(node: NodeProto, replaced: (tensor: TensorProto, name: string) => TensorProto): NodeProto {
  if ((node.input?.length ?? 0) > 0 || !node.attribute?.some(({ t }) => t)) return node;
  const name = node.output?.[0] ?? "";
  return {
    ...node,
    attribute: node.attribute.map((entry) => (entry.t ? { ...entry, t: replaced(entry.t, name) } : entry)),
  };
}

/** Raw bytes in place of whatever form the tensor had, external data included. */
function tensorOf({ dims, data_type, name, doc_string }: TensorProto, { bytes }: StoredTensor): TensorProto {
  return {
    dims,
    data_type,
    raw_data: bytes,
    ...(name === undefined ? {} : { name }),
    ...(doc_string === undefined ? {} : { doc_string }),
  };
}
