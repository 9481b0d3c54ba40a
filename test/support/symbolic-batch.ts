/** @file A model file with a name in place of the first dimension of its inputs and outputs, as exporters write it. */
import { decodeModel, encodeModel } from "../../compiler/onnx/codec.js";

/** Bytes of the same model whose batch is the symbolic dim `symbol`. */
export function symbolicBatch(bytes: Uint8Array, symbol: string): Uint8Array {
  const model = decodeModel(bytes);
  const weights = new Set(model.graph!.initializer!.map(({ name }) => name));
  const free = <T extends { readonly name: string; readonly type?: unknown }>(info: T): T => {
    if (weights.has(info.name)) return info;
    const copy = JSON.parse(JSON.stringify(info)) as T & {
      type: { tensor_type: { shape: { dim: { dim_value?: number; dim_param?: string }[] } } };
    };
    copy.type.tensor_type.shape.dim[0] = { dim_param: symbol };
    return copy;
  };
  const graph = { ...model.graph!, input: model.graph!.input!.map(free), output: model.graph!.output!.map(free) };
  return encodeModel({ ...model, graph });
}
