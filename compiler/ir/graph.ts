/**
 * @file The intermediate representation: ONNX at opset 21 in SSA form, typed, with static shapes.
 * Types only. Graphs are immutable; a pass takes a Graph and returns a new one.
 */
import type { OpAttrs, OpType } from "../ops/types.js";

/** Element types, by ONNX's names in lower case. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool"
  | "string";

/** Sizes of the axes, outermost first; [] is a scalar. */
export type Shape = readonly number[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Elements in row-major order. float16 and bfloat16 as bit patterns, bool as 0 and 1. */
export type LiteralElements =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array
  | readonly string[];

/** A tensor known at compile time: shapes, axes, small tables. Never a trainable weight. */
export interface Literal extends TensorType {
  readonly elements: LiteralElements;
}

/** Unique in its graph. */
export type ValueId = number;
/** Unique in its graph. */
export type NodeId = number;

/**
 * An SSA value: it has one producer, which is a graph input, a parameter, a node, or (if `literal` is set) nothing.
 * Names are unique in a graph; they are the tensor names of exported ONNX files.
 */
export interface Value {
  readonly id: ValueId;
  readonly name: string;
  readonly type: TensorType;
  readonly literal?: Literal;
}

/** One application of an operator. `undefined` stands for an optional input or output that is left out. */
export type Node<K extends OpType = OpType> = {
  readonly [P in K]: {
    readonly id: NodeId;
    readonly name: string;
    readonly op: P;
    readonly inputs: readonly (Value | undefined)[];
    readonly outputs: readonly (Value | undefined)[];
    readonly attrs: OpAttrs[P];
  };
}[K];

/** A parameter that every forward run of a microbatch replaces, such as BatchNormalization's running mean. */
export interface StateUpdate {
  readonly param: Value;
  readonly next: Value;
}

/**
 * A computation. `nodes` are in topological order. `params` are the model's initializers that are kept as tensors
 * (trainable or not); their bytes live outside the graph. Literals belong to no list: they ride on their values.
 */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly params: readonly Value[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly Value[];
  readonly states: readonly StateUpdate[];
}
