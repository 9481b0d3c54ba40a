/** @file What the compiler knows of an operator: attributes, shape rule, work, constant folding, gradient rule. */
import type { DType, Literal, Node, Shape, TensorType, Value } from "../ir/graph.js";
import type { OpAttrs, OpType } from "./types.js";

/** How an attribute is written in ONNX. */
export type AttrKind = "int" | "float" | "string" | "ints" | "floats" | "strings" | "tensor";

/** One attribute: its kind, and the value it has when left out. `required` ones have none. */
export interface AttrField<T> {
  readonly kind: AttrKind;
  readonly required: boolean;
  readonly fallback: T | undefined;
}

/** Attribute fields of an op, one per member of its attribute type. */
export type AttrFields<A> = { readonly [P in keyof A]-?: AttrField<Exclude<A[P], undefined>> };

export const int = (fallback?: number): AttrField<number> => ({ kind: "int", required: false, fallback });
export const float = (fallback?: number): AttrField<number> => ({ kind: "float", required: false, fallback });
export const text = <T extends string = string>(fallback?: T): AttrField<T> => ({
  kind: "string",
  required: false,
  fallback,
});
export const ints = (fallback?: readonly number[]): AttrField<readonly number[]> => ({
  kind: "ints",
  required: false,
  fallback,
});
export const tensor = (): AttrField<Literal> => ({ kind: "tensor", required: false, fallback: undefined });
/** The same field, but a node without it is malformed. */
export const required = <T>(field: AttrField<T>): AttrField<T> => ({ ...field, required: true });

/** The attribute type of an op that has none. */
export type NoAttrs = Readonly<Record<never, never>>;
export const noAttrs: AttrFields<NoAttrs> = {};

/** What a shape rule sees of an input. A Value is one. */
export interface Operand {
  readonly type: TensorType;
  readonly literal?: Literal;
}

/** Arithmetic and traffic of one application: floating-point operations (multiply-add = 2), bytes read plus written. */
export interface Work {
  readonly flops: number;
  readonly bytes: number;
}

/** What a gradient rule sees: inputs x, outputs y, gradients dy of the outputs (undefined: no gradient arrives). */
export interface GradUse<K extends OpType> {
  readonly x: readonly (Value | undefined)[];
  readonly y: readonly (Value | undefined)[];
  readonly dy: readonly (Value | undefined)[];
  readonly attrs: OpAttrs[K];
}

/**
 * Emits nodes that turn dy into one gradient per input; undefined where an input has none (integers, shapes).
 * A rule never asks which gradients are needed: dead-code elimination drops the rest.
 * Every returned gradient has the dtype and shape of its input.
 */
export type GradRule<K extends OpType> = (b: Emitter, use: GradUse<K>) => readonly (Value | undefined)[];

/** Why an op has no gradient: its outputs do not depend differentiably on its inputs. Gradients stop here. */
export interface NoGradient {
  readonly none: string;
}

/** Why an op cannot be differentiated although it should be: training through it is refused with this reason. */
export interface MissingGradient {
  readonly missing: string;
}

/** What an op that draws random numbers sees when it is written as arithmetic. */
export interface DrawUse<K extends OpType> {
  readonly x: readonly (Value | undefined)[];
  readonly attrs: OpAttrs[K];
  /** Types of the outputs. */
  readonly y: readonly (TensorType | undefined)[];
  /** Fresh random bits: uint32 of this shape, independent of all others. */
  readonly bits: (shape: Shape) => Value;
}

/** One running statistic of an op: the input that holds it, and the output that brings its next value in training. */
export interface RunningStatistic {
  readonly input: number;
  readonly output: number;
  /** True for variances, of which the op's output takes the biased one. */
  readonly isVariance: boolean;
}

/** How an op keeps running statistics, which forward runs in training replace. */
export interface RunningStatistics<K extends OpType> {
  readonly statistics: readonly RunningStatistic[];
  /** True: the node normalizes by its input and outputs the next statistics. */
  readonly isTraining: (attrs: OpAttrs[K]) => boolean;
  /** The attributes that put a node into training, or into inference. */
  readonly modeAttrs: (isTraining: boolean) => Readonly<Record<string, number>>;
  /** Elements that one statistic is taken over. */
  readonly samples: (x: readonly (Operand | undefined)[]) => number;
}

/** All that is known of one operator at compile time. */
export interface OpDef<K extends OpType> {
  readonly attributes: AttrFields<OpAttrs[K]>;
  /** ONNX domain; left out for ai.onnx. */
  readonly domain?: string;
  /** Outputs that every node has, asked for or not: its gradient reads them, or engines demand them. Infinity: all. */
  readonly keptOutputs?: number;
  /**
   * Types of all outputs the op can have with these inputs (callers use as many as the node names).
   * @throws PipewrightError SHAPE_MISMATCH or MODEL_UNSUPPORTED through `fail` helpers of ops/shape.ts.
   */
  readonly infer: (x: readonly (Operand | undefined)[], attrs: OpAttrs[K], outputs: number) => readonly TensorType[];
  readonly work: (
    x: readonly (TensorType | undefined)[],
    y: readonly (TensorType | undefined)[],
    attrs: OpAttrs[K],
  ) => Work;
  /** Set where the output is the first input in another shape: the same memory, while it stays inside a program. */
  readonly isView?: true;
  readonly grad: GradRule<K> | NoGradient | MissingGradient;
  /**
   * Set for ops that draw random numbers: the same op as arithmetic on random bits, which every run of the same bits
   * repeats. Gives the outputs, or undefined when this node draws nothing.
   */
  readonly draw?: (b: Emitter, use: DrawUse<K>) => readonly (Value | undefined)[] | undefined;
  /** Set for ops that keep running statistics. */
  readonly running?: RunningStatistics<K>;
  /** Value of the outputs when all given inputs are literals; used for shape arithmetic. Undefined: not folded. */
  readonly fold?: (
    x: readonly (Literal | undefined)[],
    attrs: OpAttrs[K],
    y: readonly TensorType[],
  ) => readonly Literal[] | undefined;
}

export type OpTable = { readonly [K in OpType]: OpDef<K> };

/** Appends nodes to a graph under construction. Types are inferred; missing attributes take their fallback. */
export interface Emitter {
  /** Emits a node with one output and returns it. */
  emit<K extends OpType>(op: K, inputs: readonly (Value | undefined)[], attrs?: Partial<OpAttrs[K]>): Value;
  /** Emits a node with several outputs. */
  emitMany<K extends OpType>(
    op: K,
    inputs: readonly (Value | undefined)[],
    outputs: number,
    attrs?: Partial<OpAttrs[K]>,
  ): readonly Value[];
  /** The node that makes a value; undefined for inputs, parameters and literals. */
  maker(value: Value): Node | undefined;
  /** A literal as a value. Equal literals may share one value. */
  literal(literal: Literal): Value;
  /** A 1-d int64 literal, e.g. a shape or a list of axes. */
  int64s(numbers: readonly number[]): Value;
  /** A 0-d literal of the given element type. */
  scalar(number: number, dtype: DType): Value;
}
