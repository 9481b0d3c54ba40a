/** @file Reductions over axes. The axes are the second input, known at compile time. */
import { listed } from "../ir/listed.js";
import type { Literal, Shape, TensorType, Value } from "../ir/graph.js";
import { elementCount, hasPlainNumbers, literalNumbers, literalOf } from "../ir/literal.js";
import { elementTypeCode } from "./element-type.js";
import { reshape, sumOver } from "./emission.js";
import type { Emitter, GradUse, OpDef, Operand } from "./define.js";
import { int } from "./define.js";
import { div, equal, mul, neg, select, sub } from "./expression.js";
import { mismatch, normalizeAxis, numbersAt, sameShape, typeAt } from "./shape.js";
import { perInputElement } from "./work.js";

/** Without axes, or with an empty list of them: all axes, or none if `noop_with_empty_axes` is 1. */
interface Reduction {
  readonly keepdims: number;
  readonly noop_with_empty_axes: number;
}

type ReduceOp =
  | "ReduceSum"
  | "ReduceMean"
  | "ReduceMax"
  | "ReduceMin"
  | "ReduceProd"
  | "ReduceL1"
  | "ReduceL2"
  | "ReduceLogSum"
  | "ReduceLogSumExp"
  | "ReduceSumSquare";

export type ReduceAttrs = { readonly [K in ReduceOp]: Reduction };

/** The reduced axes, each in 0..rank-1, in ascending order. */
function reducedAxes(x: readonly (Operand | undefined)[], attrs: Reduction): readonly number[] {
  const rank = typeAt(x, 0).shape.length;
  const given = x[1] ? numbersAt(x, 1) : [];
  if (given.length === 0) return attrs.noop_with_empty_axes ? [] : Array.from({ length: rank }, (_, axis) => axis);
  const axes = new Set(given.map((axis) => normalizeAxis(axis, rank)));
  if (axes.size !== given.length) throw mismatch(`an axis is named twice in [${given.join(",")}].`);
  return [...axes].sort((a, c) => a - c);
}

function keptShape(shape: Shape, axes: readonly number[]): Shape {
  return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
}

function infer(x: readonly (Operand | undefined)[], attrs: Reduction): readonly TensorType[] {
  const { dtype, shape } = typeAt(x, 0);
  const axes = reducedAxes(x, attrs);
  const reduced = attrs.keepdims ? keptShape(shape, axes) : shape.filter((_, axis) => !axes.includes(axis));
  return [{ dtype, shape: reduced }];
}

/** What the gradient of a reduction is made from; y and dy have the reduced axes as size 1. */
interface Reduced {
  readonly x: Value;
  readonly y: Value;
  readonly dy: Value;
  readonly axes: readonly number[];
}

/** A reduction whose gradient rule sees y and dy with the reduced axes kept, and may return anything that broadcasts to x. */
function reduction(
  flops: number,
  chain: (b: Emitter, use: Reduced) => Value,
  fold?: (elements: readonly number[]) => number,
): OpDef<ReduceOp> {
  return {
    attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
    infer,
    work: perInputElement(flops),
    grad: (b, use) => {
      const { x, y, dy, axes } = keepAxes(b, use);
      return [expand(b, chain(b, { x, y, dy, axes }), x.type.shape), undefined];
    },
    ...(fold && { fold: (x, attrs, y) => foldReduction(x, attrs, y, fold) }),
  };
}

function keepAxes(b: Emitter, { x, y, dy, attrs }: GradUse<ReduceOp>): Reduced {
  const axes = reducedAxes(x, attrs);
  const shape = keptShape(x[0]!.type.shape, axes);
  return { x: x[0]!, y: reshape(b, y[0]!, shape), dy: reshape(b, dy[0]!, shape), axes };
}

function expand(b: Emitter, value: Value, shape: Shape): Value {
  return sameShape(value.type.shape, shape) ? value : b.emit("Expand", [value, b.int64s(shape)]);
}

/** The gradient goes to the elements that attain y; equal ones share it evenly. */
function extremum(b: Emitter, { x, y, dy, axes }: Reduced): Value {
  const attains = b.emit("Cast", [equal(b, x, y)], { to: elementTypeCode(x.type.dtype) });
  return mul(b, attains, div(b, dy, sumOver(b, attains, axes, true)));
}

/**
 * Each element gets the product of the others. Zeros are counted and left out of the product: with one zero only that
 * element has a gradient, with two or more none has.
 */
function productOfOthers(b: Emitter, { x, dy, axes }: Reduced): Value {
  const isZero = equal(b, x, 0);
  const zeros = b.emit("Cast", [isZero], { to: elementTypeCode(x.type.dtype) });
  const nonzero = select(b, isZero, 1, x);
  const product = axes.length === 0 ? nonzero : b.emit("ReduceProd", [nonzero, b.int64s(axes)], { keepdims: 1 });
  const noOtherZero = equal(b, sub(b, sumOver(b, zeros, axes, true), zeros), 0);
  return select(b, noOtherZero, div(b, mul(b, dy, product), nonzero), 0);
}

export const reduce: { readonly [K in keyof ReduceAttrs]: OpDef<K> } = {
  ReduceSum: reduction(
    1,
    (_b, { dy }) => dy,
    (elements) => elements.reduce((sum, element) => sum + element, 0),
  ),
  ReduceMean: reduction(1, (b, { x, dy, axes }) => {
    const count = axes.reduce((product, axis) => product * x.type.shape[axis]!, 1);
    return count === 1 ? dy : div(b, dy, count);
  }),
  ReduceMax: reduction(1, extremum, (elements) => Math.max(...elements)),
  ReduceMin: reduction(1, extremum, (elements) => Math.min(...elements)),
  ReduceProd: reduction(1, productOfOthers, (elements) => elements.reduce((product, element) => product * element, 1)),
  // The gradient at 0 is 0.
  ReduceL1: reduction(2, (b, { x, dy }) => mul(b, b.emit("Sign", [x]), dy)),
  // x·dy/y, and 0 where the norm is 0
  ReduceL2: reduction(2, (b, { x, y, dy }) => mul(b, x, select(b, equal(b, y, 0), 0, div(b, dy, y)))),
  // y = ln Σx  =>  dx = dy·exp(−y): from y, so that x need not be kept
  ReduceLogSum: reduction(1, (b, { y, dy }) => mul(b, dy, b.emit("Exp", [neg(b, y)]))),
  // y = ln Σexp x  =>  dx = dy·exp(x − y)
  ReduceLogSumExp: reduction(11, (b, { x, y, dy }) => mul(b, dy, b.emit("Exp", [sub(b, x, y)]))),
  ReduceSumSquare: reduction(2, (b, { x, dy }) => mul(b, x, mul(b, dy, 2))),
};

/** Folds a reduction of a literal. */
function foldReduction(
  x: readonly (Literal | undefined)[],
  attrs: Reduction,
  [y]: readonly TensorType[],
  fold: (elements: readonly number[]) => number,
): readonly Literal[] | undefined {
  const [input, axes] = x;
  if (!input || !y || !hasPlainNumbers(input.dtype)) return undefined;
  const reduced = reducedAxes([{ type: input }, axes && { type: axes, literal: axes }], attrs);
  const groups: number[][] = listed(elementCount(y.shape), () => []);
  for (const [at, element] of literalNumbers(input).entries()) groups[groupOf(at, input.shape, reduced)]!.push(element);
  return [literalOf(y.dtype, y.shape, groups.map(fold))];
}

/** Row-major position among the axes that are not reduced. */
function groupOf(at: number, shape: Shape, reduced: readonly number[]): number {
  let group = 0;
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    const coordinate = at % size;
    at = (at - coordinate) / size;
    if (reduced.includes(axis)) continue;
    group += coordinate * stride;
    stride *= size;
  }
  return group;
}
