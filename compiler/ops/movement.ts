/** @file Ops that give elements another shape or order: Reshape and its kin, Transpose, Expand, Tile. */
import type { Literal, Shape, TensorType, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import { unbroadcast } from "./broadcast.js";
import type { Emitter, NoAttrs, OpDef } from "./define.js";
import { int, ints, noAttrs } from "./define.js";
import { inverseOf, reshape, sumOver, transpose } from "./emission.js";
import { FOLD_LIMIT, picked, positionOf, reshaped, stepsOf } from "./picking.js";
import { distinctAxes, broadcastShapes, formatShape, mismatch, normalizeAxis, numbersAt, typeAt } from "./shape.js";
import { perElement } from "./work.js";

export interface MovementAttrs {
  Reshape: { readonly allowzero: number };
  Flatten: { readonly axis: number };
  Squeeze: NoAttrs;
  Unsqueeze: NoAttrs;
  Transpose: { readonly perm?: readonly number[] };
  Expand: NoAttrs;
  Tile: NoAttrs;
}

/** The shape that Reshape gives. @throws SHAPE_MISMATCH when the element counts differ. */
export function reshapedShape(shape: Shape, wanted: readonly number[], allowZero: boolean): Shape {
  const fail = (why: string) =>
    mismatch(
      `cannot reshape ${formatShape(shape)} to ${formatShape(wanted)}: ${why}; expected ${elementCount(shape)} elements.`,
    );
  const copied = wanted.map((size, axis) => {
    if (size < -1) throw fail(`size ${size} is negative`);
    if (size !== 0 || allowZero) return size;
    if (axis >= shape.length) throw fail(`axis ${axis} copies an axis that the input lacks`);
    return shape[axis]!;
  });
  const free = copied.filter((size) => size === -1).length;
  if (free > 1) throw fail(`${free} axes are left to infer`);
  const known = copied.reduce((product, size) => (size === -1 ? product : product * size), 1);
  if (free === 1 && (known === 0 || elementCount(shape) % known !== 0)) {
    throw fail(`the others hold ${known} elements, so axis ${copied.indexOf(-1)} cannot be inferred`);
  }
  const result = copied.map((size) => (size === -1 ? elementCount(shape) / known : size));
  if (elementCount(result) !== elementCount(shape)) throw fail(`it holds ${elementCount(result)} elements`);
  return result;
}

function permutation(shape: Shape, perm: readonly number[] | undefined): readonly number[] {
  if (!perm) return [...shape.keys()].reverse();
  if (perm.length !== shape.length || !shape.every((_, axis) => perm.includes(axis))) {
    throw mismatch(`attribute "perm" is no permutation; got [${perm.join(",")}] for ${formatShape(shape)}.`);
  }
  return perm;
}

type Values = readonly (Value | undefined)[];

/** The gradient rule of ops that only change the shape. */
const reshapeBack = (b: Emitter, { x: [x], dy: [dy] }: { readonly x: Values; readonly dy: Values }) => [
  reshape(b, dy!, x!.type.shape),
  undefined,
];

const foldReshaped = (x: readonly (Literal | undefined)[], _attrs: unknown, y: readonly TensorType[]) =>
  x[0] ? [reshaped(x[0], y[0]!)] : undefined;

export const movement: { readonly [K in keyof MovementAttrs]: OpDef<K> } = {
  Reshape: {
    attributes: { allowzero: int(0) },
    infer: (x, { allowzero }) => {
      const { dtype, shape } = typeAt(x, 0);
      return [{ dtype, shape: reshapedShape(shape, numbersAt(x, 1), allowzero !== 0) }];
    },
    work: perElement(0),
    isView: true,
    grad: reshapeBack,
    fold: foldReshaped,
  },

  Flatten: {
    attributes: { axis: int(1) },
    infer: (x, { axis }) => {
      const { dtype, shape } = typeAt(x, 0);
      const cut = axis === shape.length ? axis : normalizeAxis(axis, shape.length);
      return [{ dtype, shape: [elementCount(shape.slice(0, cut)), elementCount(shape.slice(cut))] }];
    },
    work: perElement(0),
    isView: true,
    grad: reshapeBack,
    fold: foldReshaped,
  },

  Squeeze: {
    attributes: noAttrs,
    infer: (x) => {
      const { dtype, shape } = typeAt(x, 0);
      const dropped = x[1] ? distinctAxes(numbersAt(x, 1), shape.length) : undefined;
      for (const axis of dropped ?? []) {
        if (shape[axis] !== 1)
          throw mismatch(`cannot squeeze axis ${axis}; got ${formatShape(shape)}, expected size 1 there.`);
      }
      return [{ dtype, shape: shape.filter((size, axis) => (dropped ? !dropped.has(axis) : size !== 1)) }];
    },
    work: perElement(0),
    isView: true,
    grad: reshapeBack,
    fold: foldReshaped,
  },

  Unsqueeze: {
    attributes: noAttrs,
    infer: (x) => {
      const { dtype, shape } = typeAt(x, 0);
      const axes = numbersAt(x, 1);
      const rank = shape.length + axes.length;
      const added = distinctAxes(axes, rank);
      const rest = [...shape];
      return [{ dtype, shape: Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!)) }];
    },
    work: perElement(0),
    isView: true,
    grad: reshapeBack,
    fold: foldReshaped,
  },

  Transpose: {
    attributes: { perm: ints() },
    infer: (x, { perm }) => {
      const { dtype, shape } = typeAt(x, 0);
      return [{ dtype, shape: permutation(shape, perm).map((axis) => shape[axis]!) }];
    },
    work: perElement(0),
    grad: (b, { x: [x], dy: [dy], attrs: { perm } }) => [
      transpose(b, dy!, inverseOf(permutation(x!.type.shape, perm))),
    ],
    fold: ([source], { perm }, [y]) => {
      const steps = stepsOf(source!.shape);
      const order = permutation(source!.shape, perm);
      return [
        picked(y!, (at) => ({
          source: source!,
          position: at.reduce((sum, coordinate, axis) => sum + coordinate * steps[order[axis]!]!, 0),
        })),
      ];
    },
  },

  Expand: {
    attributes: noAttrs,
    infer: (x) => {
      const { dtype, shape } = typeAt(x, 0);
      return [{ dtype, shape: broadcastShapes(shape, numbersAt(x, 1)) }];
    },
    work: perElement(0),
    grad: (b, { x: [x], dy: [dy] }) => [unbroadcast(b, dy!, x!.type.shape), undefined],
    fold: ([source], _attrs, [y]) => {
      if (elementCount(y!.shape) > FOLD_LIMIT) return undefined;
      const steps = stepsOf(source!.shape);
      const extra = y!.shape.length - source!.shape.length;
      const position = (at: readonly number[]) =>
        positionOf(
          at.slice(extra).map((coordinate, axis) => (source!.shape[axis] === 1 ? 0 : coordinate)),
          steps,
        );
      return [picked(y!, (at) => ({ source: source!, position: position(at) }))];
    },
  },

  Tile: {
    attributes: noAttrs,
    infer: (x) => {
      const { dtype, shape } = typeAt(x, 0);
      const repeats = numbersAt(x, 1);
      if (repeats.length !== shape.length || repeats.some((count) => count < 0)) {
        throw mismatch(
          `repeats are wrong; got [${repeats.join(",")}] for ${formatShape(shape)}, expected one count of at least 0 per axis.`,
        );
      }
      return [{ dtype, shape: shape.map((size, axis) => size * repeats[axis]!) }];
    },
    work: perElement(0),
    // Every axis is seen as [repeats, size]; the gradient sums over the repeats.
    grad: (b, { x: [x], y: [y], dy: [dy] }) => {
      const { shape } = x!.type;
      const repeats = y!.type.shape.map((size, axis) => (shape[axis] === 0 ? 1 : size / shape[axis]!));
      const repeated = [...repeats.keys()].filter((axis) => repeats[axis] !== 1);
      if (repeated.length === 0) return [dy, undefined];
      const split = shape.flatMap((size, axis) => (repeats[axis] === 1 ? [size] : [repeats[axis]!, size]));
      const axes = repeated.map((axis, before) => axis + before);
      return [sumOver(b, reshape(b, dy!, split), axes), undefined];
    },
    fold: ([source], _attrs, [y]) => {
      if (elementCount(y!.shape) > FOLD_LIMIT) return undefined;
      const { shape } = source!;
      const steps = stepsOf(shape);
      const position = (at: readonly number[]) =>
        positionOf(
          at.map((coordinate, axis) => coordinate % shape[axis]!),
          steps,
        );
      return [picked(y!, (at) => ({ source: source!, position: position(at) }))];
    },
  },
};
