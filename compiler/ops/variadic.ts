/** @file Elementwise ops of any number of inputs that broadcast, and the choice between two. */
import type { TensorType, Value } from "../ir/graph.js";
import { unbroadcast } from "./broadcast.js";
import type { Emitter, GradRule, NoAttrs, OpDef, Operand } from "./define.js";
import { noAttrs } from "./define.js";
import { div, equal, mul, select } from "./expression.js";
import { foldElements } from "./fold.js";
import { broadcastAll, broadcastShapes, mismatch, typeAt } from "./shape.js";
import { trafficBytes, perElement } from "./work.js";
import { elementCount } from "../ir/literal.js";

export interface VariadicAttrs {
  Min: NoAttrs;
  Max: NoAttrs;
  Sum: NoAttrs;
  Mean: NoAttrs;
  Where: NoAttrs;
}

function inferVariadic(x: readonly (Operand | undefined)[]): readonly TensorType[] {
  const { dtype } = typeAt(x, 0);
  const types = x.map((_, index) => typeAt(x, index));
  const other = types.find((type) => type.dtype !== dtype);
  if (other) throw mismatch(`element types differ; got ${dtype} and ${other.dtype}.`);
  return [{ dtype, shape: broadcastAll(types.map(({ shape }) => shape)) }];
}

const shared = {
  attributes: noAttrs,
  infer: inferVariadic,
  work: (x: readonly (TensorType | undefined)[], y: readonly (TensorType | undefined)[]) => ({
    flops: (x.length - 1) * elementCount(y[0]!.shape),
    bytes: trafficBytes(x, y),
  }),
} as const;

/**
 * Gradient of the maximum or minimum of several inputs, taken two at a time from the left as torch does: the better
 * of two gets the gradient, two equal ones half of it each. `isWorse` names the test.
 */
function extremumGrad(op: "Min" | "Max", isWorse: "Less" | "Greater"): GradRule<"Min" | "Max"> {
  return (b, { x, dy: [dy] }) => {
    const inputs = x.map((value) => value!);
    const best = [inputs[0]!];
    for (const value of inputs.slice(1, -1)) best.push(b.emit(op, [best.at(-1)!, value]));
    const grads: Value[] = [];
    let above = dy!;
    for (let index = inputs.length - 1; index > 0; index--) {
      const [left, right] = [best[index - 1]!, inputs[index]!];
      const [toLeft, toRight] = shareOfTwo(b, isWorse, left, right, above);
      grads.unshift(unbroadcast(b, toRight, right.type.shape));
      above = unbroadcast(b, toLeft, left.type.shape);
    }
    return [unbroadcast(b, above, inputs[0]!.type.shape), ...grads];
  };
}

function shareOfTwo(b: Emitter, isWorse: "Less" | "Greater", left: Value, right: Value, dy: Value): [Value, Value] {
  const shared = select(b, equal(b, left, right), mul(b, dy, 0.5), dy);
  return [select(b, b.emit(isWorse, [left, right]), 0, shared), select(b, b.emit(isWorse, [right, left]), 0, shared)];
}

export const variadic: { readonly [K in keyof VariadicAttrs]: OpDef<K> } = {
  Min: {
    ...shared,
    grad: extremumGrad("Min", "Greater"),
    fold: foldElements({ float: Math.min, integer: (...x) => x.reduce((a, c) => (c < a ? c : a)) }),
  },
  Max: {
    ...shared,
    grad: extremumGrad("Max", "Less"),
    fold: foldElements({ float: Math.max, integer: (...x) => x.reduce((a, c) => (c > a ? c : a)) }),
  },
  Sum: {
    ...shared,
    grad: (b, { x, dy: [dy] }) => x.map((value) => unbroadcast(b, dy!, value!.type.shape)),
  },
  Mean: {
    ...shared,
    grad: (b, { x, dy: [dy] }) => {
      const part = x.length === 1 ? dy! : div(b, dy!, x.length);
      return x.map((value) => unbroadcast(b, part, value!.type.shape));
    },
  },
  Where: {
    attributes: noAttrs,
    infer: (x) => {
      const [condition, a, c] = [typeAt(x, 0), typeAt(x, 1), typeAt(x, 2)];
      if (condition.dtype !== "bool") throw mismatch(`the condition is ${condition.dtype}; expected bool.`);
      if (a.dtype !== c.dtype) throw mismatch(`element types differ; got ${a.dtype} and ${c.dtype}.`);
      return [{ dtype: a.dtype, shape: broadcastShapes(condition.shape, a.shape, c.shape) }];
    },
    work: perElement(1),
    grad: (b, { x: [condition, a, c], dy: [dy] }) => [
      undefined,
      unbroadcast(b, select(b, condition!, dy!, 0), a!.type.shape),
      unbroadcast(b, select(b, condition!, 0, dy!), c!.type.shape),
    ],
    fold: foldElements({
      float: (condition, a, c) => (condition ? a! : c!),
      integer: (condition, a, c) => (condition ? a! : c!),
    }),
  },
};
