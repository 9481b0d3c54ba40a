/** @file What bench-ops times: an operator, or a few that belong together, with the shapes and numbers of its inputs. */
import type { GraphBuilder } from "../../compiler/ir/builder.js";
import type { DType, Shape, Value } from "../../compiler/ir/graph.js";
import type { AttrValue } from "../../compiler/onnx/attributes.js";
import { DECOMPOSITIONS } from "../../compiler/onnx/decompose/table.js";
import type { ImportEmitter } from "../../compiler/onnx/source.js";
import type { OpAttrs, OpType } from "../../compiler/ops/types.js";

/** A float32 input of random numbers, integers below `below`, or a literal. */
export interface BenchInput {
  readonly dtype: Exclude<DType, "string">;
  readonly shape: Shape;
  readonly below?: number;
  readonly numbers?: readonly number[];
}

export interface BenchCase {
  readonly name: string;
  readonly inputs: readonly BenchInput[];
  /** Inputs to differentiate. */
  readonly wrt: readonly number[];
  /** The backward may take so many times the forward; left out where nothing is promised. */
  readonly limit?: number;
  /** Appends the forward nodes. The gradient starts at the first output. */
  readonly build: (b: GraphBuilder, x: readonly Value[]) => readonly Value[];
}

export const float = (...shape: readonly number[]): BenchInput => ({ dtype: "float32", shape });
export const below = (limit: number, ...shape: readonly number[]): BenchInput => ({
  dtype: "int64",
  shape,
  below: limit,
});
export const int64s = (...numbers: readonly number[]): BenchInput => ({
  dtype: "int64",
  shape: [numbers.length],
  numbers,
});
export const floats = (...numbers: readonly number[]): BenchInput => ({
  dtype: "float32",
  shape: [numbers.length],
  numbers,
});

/** The inputs that a gradient can have: random float ones. */
function differentiable(inputs: readonly BenchInput[]): readonly number[] {
  return [...inputs.entries()].flatMap(([at, { dtype, numbers }]) => (dtype === "float32" && !numbers ? [at] : []));
}

/** One node of the IR. */
export function single<K extends OpType>(
  op: K,
  size: string,
  inputs: readonly BenchInput[],
  rest: {
    readonly attrs?: Partial<OpAttrs[K]>;
    readonly outputs?: number;
    readonly wrt?: readonly number[];
    readonly limit?: number;
  } = {},
): BenchCase {
  const { attrs = {}, outputs = 1, wrt = differentiable(inputs), limit } = rest;
  return {
    name: `${op} ${size}`,
    inputs,
    wrt,
    ...(limit === undefined ? {} : { limit }),
    build: (b, x) => b.emitMany(op, x, outputs, attrs),
  };
}

/** Nodes that belong together. */
export function several(name: string, inputs: readonly BenchInput[], build: BenchCase["build"]): BenchCase {
  return { name, inputs, wrt: differentiable(inputs), build };
}

/** An ONNX operator that the import writes in primitives. */
export function decomposed(
  op: string,
  size: string,
  inputs: readonly BenchInput[],
  attrs: Readonly<Record<string, AttrValue>>,
): BenchCase {
  return several(`${op} ${size}`, inputs, (b, x) => {
    const emitter: ImportEmitter = {
      emit: (...node) => b.emit(...node),
      emitMany: (...node) => b.emitMany(...node),
      maker: (value) => b.maker(value),
      expectNodes: () => undefined,
      literal: (literal) => b.literal(literal),
      int64s: (numbers) => b.int64s(numbers),
      scalar: (number, dtype) => b.scalar(number, dtype),
      constant: (value) => value?.literal,
      known: (value) => value,
    };
    const node = {
      op,
      domain: "",
      version: 21,
      name: op,
      inputs: x,
      attrs: new Map(Object.entries(attrs)),
      outputs: [true],
    };
    return [DECOMPOSITIONS.get(op)!(emitter, node)[0]!];
  });
}
