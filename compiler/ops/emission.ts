/** @file Short forms in which gradient rules move elements: each emits one node, or none where nothing would move. */
import type { DType, Shape, TensorType, Value } from "../ir/graph.js";
import { elementCount, hasPlainNumbers, literalNumbers, literalOf } from "../ir/literal.js";
import type { Emitter } from "./define.js";
import { elementTypeCode } from "./element-type.js";
import { sameShape } from "./shape.js";

/** A tensor of zeros, made when it is needed rather than stored. */
export function zeros(b: Emitter, { dtype, shape }: TensorType): Value {
  return b.emit("ConstantOfShape", [b.int64s(shape)], { value: literalOf(dtype, [1], [0]) });
}

/** True for what `zeros` makes. */
export function isZeros(b: Emitter, value: Value): boolean {
  const maker = b.maker(value);
  if (maker?.op !== "ConstantOfShape") return false;
  const { value: element } = maker.attrs;
  return !element || (hasPlainNumbers(element.dtype) && literalNumbers(element)[0] === 0);
}

/** Elements up to which a constant vector is stored. */
const STORED_ELEMENTS = 1024;

/** A tensor of one number: stored when it is small, so that it costs no time, else made when it is needed. */
export function filled(b: Emitter, { dtype, shape }: TensorType, number: number): Value {
  const count = elementCount(shape);
  if (count <= STORED_ELEMENTS) return b.literal(literalOf(dtype, shape, new Array<number>(count).fill(number)));
  return b.emit("ConstantOfShape", [b.int64s(shape)], { value: literalOf(dtype, [1], [number]) });
}

/** `value` with another element type. */
export function asType(b: Emitter, value: Value, dtype: DType): Value {
  return value.type.dtype === dtype ? value : b.emit("Cast", [value], { to: elementTypeCode(dtype) });
}

/** `value` with another shape of as many elements. */
export function reshape(b: Emitter, value: Value, shape: Shape): Value {
  if (sameShape(value.type.shape, shape)) return value;
  return b.emit("Reshape", [value, b.int64s(shape)], { allowzero: shape.includes(0) ? 1 : 0 });
}

/** Axis i of the result is axis `perm[i]` of `value`. */
export function transpose(b: Emitter, value: Value, perm: readonly number[]): Value {
  if (perm.every((from, to) => from === to)) return value;
  return b.emit("Transpose", [value], { perm });
}

/** The inverse of a permutation. */
export function inverseOf(perm: readonly number[]): readonly number[] {
  const inverse = new Array<number>(perm.length).fill(0);
  for (const [to, from] of perm.entries()) inverse[from] = to;
  return inverse;
}

/** Sum over `axes`, which disappear unless `keep`. */
export function sumOver(b: Emitter, value: Value, axes: readonly number[], keep = false): Value {
  if (axes.length === 0) return value;
  return b.emit("ReduceSum", [value, b.int64s(axes)], { keepdims: keep ? 1 : 0 });
}

/** Mean over `axes`, which stay with size 1. */
export function meanOver(b: Emitter, value: Value, axes: readonly number[]): Value {
  return b.emit("ReduceMean", [value, b.int64s(axes)], { keepdims: 1 });
}

/** Zeros around `value`; negative numbers crop. One number per axis. */
export function padZeros(b: Emitter, value: Value, begins: readonly number[], ends: readonly number[]): Value {
  if ([...begins, ...ends].every((size) => size === 0)) return value;
  return b.emit("Pad", [value, b.int64s([...begins, ...ends])]);
}

/** What a slice takes along one axis: elements start, start + step, … before end. */
export interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step?: number;
}

/** The elements that `cuts` take; a cut that takes the whole axis is left out. */
export function slice(b: Emitter, value: Value, cuts: readonly Cut[]): Value {
  const real = cuts.filter(
    ({ axis, start, end, step = 1 }) => start !== 0 || end !== value.type.shape[axis] || step !== 1,
  );
  if (real.length === 0) return value;
  return b.emit("Slice", [
    value,
    b.int64s(real.map(({ start }) => start)),
    b.int64s(real.map(({ end }) => end)),
    b.int64s(real.map(({ axis }) => axis)),
    b.int64s(real.map(({ step = 1 }) => step)),
  ]);
}

/** `value` with the order of elements reversed along `axes`. */
export function flip(b: Emitter, value: Value, axes: readonly number[]): Value {
  return slice(
    b,
    value,
    axes
      .filter((axis) => value.type.shape[axis]! > 1)
      .map((axis) => ({ axis, start: -1, end: BEFORE_FIRST, step: -1 })),
  );
}

/** The end of a backwards slice that takes the first element too. */
const BEFORE_FIRST = -2147483648;
