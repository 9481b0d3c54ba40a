/** @file One op at given numbers: its gradients by the engine, its folded value, its shape rule. */
import type { DType, Literal, Shape, TensorType } from "../../compiler/ir/graph.js";
import { literalNumbers, literalOf } from "../../compiler/ir/literal.js";
import type { OpDef } from "../../compiler/ops/define.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { OpAttrs, OpType } from "../../compiler/ops/types.js";
import type { Engine } from "../../runtime/engine/engine.js";
import { sampleGradients, sampleGraph } from "../contract/op-samples/run.js";
import type { OpSample, SampleInput } from "../contract/op-samples/sample.js";

/** A float32 vector with these numbers. */
export function vector(...numbers: readonly number[]): SampleInput {
  return { dtype: "float32", shape: [numbers.length], numbers };
}

/** Gradients of all float inputs, in their order, when `upstream` arrives at the first output (ones if left out). */
export function gradientsAt(
  engine: Engine,
  sample: OpSample,
  upstream?: readonly number[],
): readonly (readonly number[] | undefined)[] {
  const built = sampleGraph(sample);
  const count = built.graph.outputs[0]!.type.shape.reduce((product, size) => product * size, 1);
  const feeds = new Map([...built.inputs, ["upstream.y0", upstream ?? new Array<number>(count).fill(1)] as const]);
  const gradients = sampleGradients(engine, built, feeds);
  return built.floats.map(({ name }) => gradients.get(name));
}

/** Any op's definition, seen without its attribute type. */
function definition(op: OpType): OpDef<"Add"> {
  return OPS[op] as unknown as OpDef<"Add">;
}

/** Types of the outputs by the shape rule. Literals pass as inputs that are known at compile time. */
export function typesAt<K extends OpType>(
  op: K,
  inputs: readonly (TensorType | Literal | undefined)[],
  attrs: OpAttrs[K],
): readonly TensorType[] {
  const operands = inputs.map((type) => type && ("elements" in type ? { type, literal: type } : { type }));
  return definition(op).infer(operands, attrs as never, 1);
}

/** The folded first output as numbers, or undefined when it is not folded. */
export function foldedAt<K extends OpType>(
  op: K,
  inputs: readonly (Literal | undefined)[],
  attrs: OpAttrs[K],
): readonly number[] | undefined {
  const types = typesAt(op, inputs, attrs);
  const folded = definition(op).fold?.(inputs, attrs as never, types);
  return folded && literalNumbers(folded[0]!);
}

/** A vector literal. */
export function literal(dtype: DType, ...numbers: readonly number[]): Literal {
  return literalOf(dtype, [numbers.length], numbers);
}

/** float32 of a shape. */
export function float(...shape: Shape): TensorType {
  return { dtype: "float32", shape };
}
