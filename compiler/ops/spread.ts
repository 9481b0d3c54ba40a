/**
 * @file Sums with tensors that are zero but for a few numbers, as the gradients of picked elements are: written so that
 * no pass goes over the zeros. Where nothing else reads them, dead-code elimination drops them.
 */
import type { Node, Value } from "../ir/graph.js";
import type { Emitter } from "./define.js";
import { isZeros, sumOver } from "./emission.js";
import { normalizeAxis } from "./shape.js";

/** The node that makes a value by adding numbers to zeros; undefined where the value is made otherwise. */
function spreadOf(b: Emitter, value: Value): Node<"ScatterElements" | "ScatterND"> | undefined {
  const node = b.maker(value);
  if ((node?.op !== "ScatterElements" && node?.op !== "ScatterND") || node.attrs.reduction !== "add") return undefined;
  return isZeros(b, node.inputs[0]!) ? node : undefined;
}

/** What computes a + c with c of the same shape: few numbers are added to a at their places. */
export function addition(b: Emitter, a: Value, c: Value) {
  const spread = spreadOf(b, c);
  if (!spread) return { op: "Add" as const, inputs: [a, c], attrs: {} };
  const [, indices, updates] = spread.inputs;
  return { op: spread.op, inputs: [a, indices, updates], attrs: spread.attrs };
}

/** a + c with c of the same shape; see `addition`. */
export function plus(b: Emitter, a: Value, c: Value): Value {
  const { op, inputs, attrs } = addition(b, a, c);
  return b.emit(op, inputs, attrs);
}

/** Sum along an axis in 0..rank-1, which stays with size 1; few numbers are summed without the zeros between them. */
export function sumAlong(b: Emitter, value: Value, axis: number): Value {
  return sumOver(b, numbersAlong(b, value, axis) ?? value, [axis], true);
}

/** One picked element on each line of a tensor along an axis. */
export interface Picks {
  /** A number for each; size 1 along the axis. */
  readonly number: Value;
  /** `to` with such numbers added at the picked elements. */
  readonly addTo: (to: Value, numbers: Value) => Value;
}

/** What a value was spread from that has one number for each line along an axis; undefined for other values. */
export function picksAlong(b: Emitter, value: Value, axis: number): Picks | undefined {
  const spread = spreadAlong(b, value, axis);
  if (!spread) return undefined;
  const [, places, number] = spread.inputs as readonly [Value, Value, Value];
  if (number.type.shape[axis] !== 1) return undefined;
  return { number, addTo: (to, numbers) => b.emit("ScatterElements", [to, places, numbers], spread.attrs) };
}

/** The numbers that a value was spread from along an axis; undefined where it was not, or has lines without numbers. */
function numbersAlong(b: Emitter, value: Value, axis: number): Value | undefined {
  return spreadAlong(b, value, axis)?.inputs[2];
}

/** The node that spread numbers along an axis, some on every line. */
function spreadAlong(b: Emitter, value: Value, axis: number): Node<"ScatterElements"> | undefined {
  const spread = spreadOf(b, value);
  if (spread?.op !== "ScatterElements") return undefined;
  const { shape } = value.type;
  const numbers = spread.inputs[2]!;
  const hasAllLines = shape.every((size, own) => own === axis || size === numbers.type.shape[own]);
  return hasAllLines && normalizeAxis(spread.attrs.axis, shape.length) === axis ? spread : undefined;
}
