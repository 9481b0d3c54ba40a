/** @file A stage graph with all its inner tensors as outputs, to look at them. */
import type { TensorType } from "../compiler/ir/graph.js";
import { isFloat } from "../compiler/ir/literal.js";
import { encodeModel } from "../compiler/onnx/codec.js";
import { dtypeCode } from "../compiler/onnx/dtype.js";
import { ownName } from "../compiler/names.js";
import { importModel } from "../compiler/onnx/import.js";
import type { ModelLimits } from "../compiler/onnx/limits.js";
import { DEFAULT_LIMITS, stageLimits } from "../compiler/onnx/limits.js";
import type { ValueInfoProto } from "../compiler/onnx/proto.js";
import { changed } from "../compiler/onnx/proto.js";

/** A float tensor that a node of the graph makes. */
export interface MadeTensor {
  readonly tensor: string;
  readonly node: string;
  readonly op: string;
}

/** A graph that gives all that it makes. */
export interface ExposedProgram {
  readonly model: Uint8Array;
  readonly outputs: ReadonlyMap<string, TensorType>;
  /** Float tensors in the order in which they are made. */
  readonly made: readonly MadeTensor[];
}

/** Requires: `bytes` is a stage graph of a plan, whose operators import as they are. */
export function exposed(bytes: Uint8Array, limits: ModelLimits = DEFAULT_LIMITS): ExposedProgram {
  const { graph: typed, model } = importModel(bytes, { limits: stageLimits(limits) });
  const types = new Map(
    [...typed.inputs, ...typed.nodes.flatMap(({ outputs }) => outputs)].flatMap((value) =>
      value ? [[value.name, value.type] as const] : [],
    ),
  );
  const graph = model.graph!;
  const inner = (graph.node ?? []).flatMap(({ name = "", op_type: op = "", output = [] }) =>
    output.flatMap((tensor): readonly (MadeTensor & { readonly type: TensorType })[] => {
      const type = types.get(tensor);
      return type ? [{ tensor, node: name, op, type }] : [];
    }),
  );
  const outputs = new Map(inner.map(({ tensor, type }) => [tensor, type]));
  const infos = [...outputs].map(([name, { dtype, shape }]): ValueInfoProto => ({
    name,
    type: {
      tensor_type: { elem_type: dtypeCode(dtype), shape: { dim: shape.map((size) => ({ dim_value: size })) } },
    },
  }));
  const given = (graph.output ?? []).filter(({ name }) => !outputs.has(name));
  return {
    model: encodeModel(changed(model, { graph: changed(graph, { output: [...given, ...infos] }) })),
    outputs: new Map([...outputs].map(([tensor, type]) => [ownName(tensor), type])),
    made: inner
      .filter(({ type }) => isFloat(type.dtype))
      .map(({ tensor, node, op }) => ({ tensor: ownName(tensor), node: ownName(node), op })),
  };
}
