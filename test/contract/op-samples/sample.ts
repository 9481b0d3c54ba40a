/** @file One application of an op on small random tensors, as the op contract runs it. */
import type { DType, Shape } from "../../../compiler/ir/graph.js";
import type { OpAttrs, OpType } from "../../../compiler/ops/types.js";

/** An input: uniformly random in [least, most], or the given numbers. A `literal` is known at compile time. */
export interface SampleInput {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly least?: number;
  readonly most?: number;
  readonly numbers?: readonly number[];
  readonly literal?: boolean;
}

/** Float inputs are float32 here; the contract also tries them as float64, where differences are sharper. */
export type OpSample = {
  readonly [K in OpType]: {
    readonly op: K;
    readonly inputs: readonly (SampleInput | undefined)[];
    readonly attrs?: Partial<OpAttrs[K]>;
    /** Number of outputs; 1 if left out. */
    readonly outputs?: number;
    /** What is special about it. */
    readonly of?: string;
    /** The engine computes its float64 kernel in single precision. */
    readonly isSingle?: boolean;
    /** No two runs give the same output. */
    readonly isRandom?: boolean;
  };
}[OpType];

/** A float input, uniform in [least, most]. */
export function floats(shape: Shape, least = -2, most = 2): SampleInput {
  return { dtype: "float32", shape, least, most };
}

/** An integer input, uniform in least..most. */
export function integers(dtype: DType, shape: Shape, least: number, most: number): SampleInput {
  return { dtype, shape, least, most };
}

/** An input that is known at compile time. */
export function literal(dtype: DType, shape: Shape, numbers: readonly number[]): SampleInput {
  return { dtype, shape, numbers, literal: true };
}

/** A list of axes or sizes that is known at compile time. */
export function int64s(...numbers: readonly number[]): SampleInput {
  return literal("int64", [numbers.length], numbers);
}
