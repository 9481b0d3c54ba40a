/** @file A float32 model as converters to half precision write it, and the float32 model that it should train like. */
import type { Half } from "../../compiler/ir/half.js";
import { narrowed, widened } from "../../compiler/ir/half.js";
import { decodeModel, encodeModel } from "../../compiler/onnx/codec.js";
import type { AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto } from "../../compiler/onnx/proto.js";
import { changed } from "../../compiler/onnx/proto.js";
import { bytesFromElements, tensorLiteral, withBytes } from "../../compiler/onnx/tensor-data.js";
import { elementTypeCode } from "../../compiler/ops/element-type.js";

const FLOAT32 = elementTypeCode("float32");

/** What becomes of the float32 tensors and types of a model. */
interface Rewrite {
  readonly tensor: (tensor: TensorProto, floats: Float32Array) => TensorProto;
  readonly code: number;
}

/** The model with every float32 tensor, type and cast in half precision. */
export function asHalf(bytes: Uint8Array, half: Half): Uint8Array {
  const code = elementTypeCode(half);
  return rewritten(bytes, {
    code,
    tensor: (tensor, floats) => withBytes({ ...tensor, data_type: code }, bytesFromElements(narrowed(floats, half))),
  });
}

/** The model with every float32 tensor rounded to half precision, and float32 all the same. */
export function asRounded(bytes: Uint8Array, half: Half): Uint8Array {
  return rewritten(bytes, {
    code: FLOAT32,
    tensor: (tensor, floats) => withBytes(tensor, bytesFromElements(widened(narrowed(floats, half), half))),
  });
}

function rewritten(bytes: Uint8Array, rewrite: Rewrite): Uint8Array {
  const model = decodeModel(bytes);
  return encodeModel(changed(model, { graph: graphOf(model.graph!, rewrite) }));
}

function graphOf(graph: GraphProto, rewrite: Rewrite): GraphProto {
  const infos = (list: readonly ValueInfoProto[] = []) => list.map((info) => infoOf(info, rewrite));
  return changed(graph, {
    initializer: (graph.initializer ?? []).map((tensor) => tensorOf(tensor, rewrite)),
    node: (graph.node ?? []).map((node): NodeProto =>
      changed(node, { attribute: (node.attribute ?? []).map((own) => attributeOf(node, own, rewrite)) }),
    ),
    input: infos(graph.input),
    output: infos(graph.output),
    value_info: infos(graph.value_info),
  });
}

function attributeOf(node: NodeProto, attribute: AttributeProto, rewrite: Rewrite): AttributeProto {
  if (node.op_type === "Cast" && Number(attribute.i) === FLOAT32) return changed(attribute, { i: rewrite.code });
  return changed(attribute, {
    ...(attribute.t ? { t: tensorOf(attribute.t, rewrite) } : {}),
    ...(attribute.g ? { g: graphOf(attribute.g, rewrite) } : {}),
  });
}

function tensorOf(tensor: TensorProto, { tensor: rewrite }: Rewrite): TensorProto {
  if (tensor.data_type !== FLOAT32) return tensor;
  return rewrite(tensor, tensorLiteral(tensor, tensor.name ?? "").elements as Float32Array);
}

function infoOf(info: ValueInfoProto, { code }: Rewrite): ValueInfoProto {
  const tensor = info.type?.tensor_type;
  if (tensor?.elem_type !== FLOAT32) return info;
  return changed(info, { type: changed(info.type!, { tensor_type: changed(tensor, { elem_type: code }) }) });
}
