/** @file Small ONNX models for tests, encoded with onnx-proto, which is not the codec of the product. */
import onnxProto from "onnx-proto";
import type { onnx } from "onnx-proto";
import type { DType, TensorType } from "../../compiler/ir/graph.js";

const CODE: Readonly<Partial<Record<DType, number>>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

/** A node: op, names of inputs and outputs, integer attributes, and its own name (that of the first output if left out). */
export interface ModelNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly ints?: Readonly<Record<string, number>>;
  readonly name?: string;
}

/** Bytes of a model at opset 21. */
export function onnxModel(
  nodes: readonly ModelNode[],
  inputs: Readonly<Record<string, TensorType>>,
  outputs: Readonly<Record<string, TensorType>>,
): Uint8Array {
  const ports = (types: Readonly<Record<string, TensorType>>): onnx.IValueInfoProto[] =>
    Object.entries(types).map(([name, { dtype, shape }]) => ({
      name,
      type: { tensorType: { elemType: CODE[dtype]!, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
    }));
  return onnxProto.onnx.ModelProto.encode({
    irVersion: 10,
    opsetImport: [{ domain: "", version: 21 }],
    graph: {
      name: "test",
      node: nodes.map(({ op, inputs: from, outputs: to, ints = {}, name = to[0]! }) => ({
        name,
        opType: op,
        input: [...from],
        output: [...to],
        attribute: Object.entries(ints).map(([key, i]) => ({
          name: key,
          type: onnxProto.onnx.AttributeProto.AttributeType.INT,
          i,
        })),
      })),
      input: ports(inputs),
      output: ports(outputs),
    },
  }).finish();
}

/** float32 of a shape. */
export function f32(...shape: number[]): TensorType {
  return { dtype: "float32", shape };
}
