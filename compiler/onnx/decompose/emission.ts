/** @file Small node patterns that decompositions share. Each emits nothing when it has nothing to do. */
import type { DType, Shape, Value } from "../../ir/graph.js";
import type { Emitter } from "../../ops/define.js";
import { sameShape } from "../../ops/shape.js";
import { dtypeCode } from "../dtype.js";

/** `x` with its axes in the order `perm`. */
export function permuted(b: Emitter, x: Value, perm: readonly number[]): Value {
  return perm.every((axis, position) => axis === position) ? x : b.emit("Transpose", [x], { perm });
}

/** `x` in another shape. */
export function shaped(b: Emitter, x: Value, shape: Shape): Value {
  return sameShape(x.type.shape, shape) ? x : b.emit("Reshape", [x, b.int64s(shape)], { allowzero: 1 });
}

/** `x` stretched to a shape that it broadcasts to. */
export function expanded(b: Emitter, x: Value, shape: Shape): Value {
  return sameShape(x.type.shape, shape) ? x : b.emit("Expand", [x, b.int64s(shape)]);
}

/** `x` in another element type. */
export function cast(b: Emitter, x: Value, dtype: DType): Value {
  return x.type.dtype === dtype ? x : b.emit("Cast", [x], { to: dtypeCode(dtype) });
}

/** A scalar of the element type of `like`. */
export function scalarOf(b: Emitter, number: number, like: Value): Value {
  return b.scalar(number, like.type.dtype);
}

/** The part of `x` from `start` to `end` along `axis`. */
export function sliced(b: Emitter, x: Value, axis: number, start: number, end: number): Value {
  if (start === 0 && end === x.type.shape[axis]) return x;
  return b.emit("Slice", [x, b.int64s([start]), b.int64s([end]), b.int64s([axis])]);
}

/** Values one after the other along `axis`. Requires: one at least. */
export function concatenated(b: Emitter, values: readonly Value[], axis: number): Value {
  return values.length === 1 ? values[0]! : b.emit("Concat", values, { axis });
}
