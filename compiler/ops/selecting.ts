/** @file Ops that select by value: OneHot, TopK, and those whose result size depends on values. */
import type { Literal, TensorType } from "../ir/graph.js";
import { elementCount, literalNumbers, literalOf } from "../ir/literal.js";
import type { NoAttrs, OpDef, Operand } from "./define.js";
import { int, noAttrs } from "./define.js";
import { reshape, sumOver, zeros } from "./emission.js";
import { mul } from "./expression.js";
import { scatterAlong } from "./gathering.js";
import { coordinatesOf, stepsOf } from "./picking.js";
import { formatShape, mismatch, normalizeAxis, numbersAt, typeAt } from "./shape.js";
import { perElement, perInputElement } from "./work.js";

export interface SelectingAttrs {
  OneHot: { readonly axis: number };
  TopK: { readonly axis: number; readonly largest: number; readonly sorted: number };
  Compress: { readonly axis?: number };
  NonZero: NoAttrs;
}

/** The single number of an input. @throws SHAPE_MISMATCH when it holds more or fewer. */
function countAt(x: readonly (Operand | undefined)[], index: number): number {
  const numbers = numbersAt(x, index);
  if (numbers.length !== 1) throw mismatch(`input ${index} holds ${numbers.length} elements; expected 1.`);
  return numbers[0]!;
}

/** Positions whose condition holds, along an axis of `size`. */
function keptBy(condition: readonly number[], size: number): readonly number[] {
  if (condition.length > size) {
    throw mismatch(`condition is longer than the axis; got ${condition.length} for ${size} elements.`);
  }
  return condition.flatMap((holds, position) => (holds ? [position] : []));
}

/** Coordinates of the elements other than 0, one row per axis. */
function nonZeroCoordinates(literal: Literal): readonly (readonly number[])[] {
  const steps = stepsOf(literal.shape);
  const places = literalNumbers(literal).flatMap((number, position) =>
    number === 0 ? [] : [coordinatesOf(position, steps, literal.shape)],
  );
  return literal.shape.map((_, axis) => places.map((place) => place[axis]!));
}

export const selecting: { readonly [K in keyof SelectingAttrs]: OpDef<K> } = {
  OneHot: {
    attributes: { axis: int(-1) },
    infer: (x, attrs) => {
      const indices = typeAt(x, 0).shape;
      const values = typeAt(x, 2);
      if (elementCount(values.shape) !== 2) {
        throw mismatch(`input 2 is wrong; got ${formatShape(values.shape)}, expected [off, on].`);
      }
      const axis = normalizeAxis(attrs.axis, indices.length + 1);
      return [{ dtype: values.dtype, shape: [...indices.slice(0, axis), countAt(x, 1), ...indices.slice(axis)] }];
    },
    work: perElement(0),
    // y is off or on at every place, so each of them gets the sum over its places.
    grad: (b, { x: [indices, depth, values], dy: [dy], attrs }) => {
      const sums = [
        [1, 0],
        [0, 1],
      ].map((pair) => {
        const places = b.emit("OneHot", [indices, depth, b.literal(literalOf(dy!.type.dtype, [2], pair))], attrs);
        return reshape(b, sumOver(b, mul(b, dy!, places), [...dy!.type.shape.keys()]), [1]);
      });
      return [undefined, undefined, reshape(b, b.emit("Concat", sums, { axis: 0 }), values!.type.shape)];
    },
  },

  TopK: {
    attributes: { axis: int(-1), largest: int(1), sorted: int(1) },
    keptOutputs: 2,
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      const axis = normalizeAxis(attrs.axis, shape.length);
      const k = countAt(x, 1);
      if (k < 0 || k > shape[axis]!) throw mismatch(`k is ${k}; axis ${axis} has ${shape[axis]} elements.`);
      const taken = shape.map((size, at) => (at === axis ? k : size));
      return [
        { dtype, shape: taken },
        { dtype: "int64", shape: taken },
      ];
    },
    work: perInputElement(1),
    grad: (b, { x: [x], y: [, indices], dy: [dy], attrs: { axis } }) => [
      b.emit("ScatterElements", [zeros(b, x!.type), indices, dy], { axis }),
      undefined,
    ],
  },

  Compress: {
    attributes: { axis: int() },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      const condition = numbersAt(x, 1);
      if (attrs.axis === undefined) return [{ dtype, shape: [keptBy(condition, elementCount(shape)).length] }];
      const axis = normalizeAxis(attrs.axis, shape.length);
      const kept = keptBy(condition, shape[axis]!).length;
      return [{ dtype, shape: shape.map((size, at) => (at === axis ? kept : size)) }];
    },
    work: perElement(0),
    grad: (b, { x: [x, condition], dy: [dy], attrs }) => {
      const { dtype, shape } = x!.type;
      const kept = literalNumbers(condition!.literal!).flatMap((holds, position) => (holds ? [position] : []));
      const flat: TensorType = { dtype, shape: attrs.axis === undefined ? [elementCount(shape)] : shape };
      const axis = normalizeAxis(attrs.axis ?? 0, flat.shape.length);
      return [reshape(b, scatterAlong(b, dy!, b.int64s(kept), axis, flat), shape), undefined];
    },
  },

  NonZero: {
    attributes: noAttrs,
    infer: (x) => {
      numbersAt(x, 0);
      const rows = nonZeroCoordinates(x[0]!.literal!);
      return [{ dtype: "int64", shape: [rows.length, rows[0]?.length ?? 0] }];
    },
    work: perInputElement(1),
    grad: { none: "the output is made of positions" },
    fold: ([x], _attrs, [y]) => [literalOf("int64", y!.shape, nonZeroCoordinates(x!).flat())],
  },
};
