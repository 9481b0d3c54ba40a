/** @file Softmax and its relatives, along one axis. */
import type { TensorType, Value } from "../ir/graph.js";
import type { Emitter, OpDef, Operand } from "./define.js";
import { int } from "./define.js";
import { sumOver } from "./emission.js";
import { mul, sub } from "./expression.js";
import { normalizeAxis, typeAt } from "./shape.js";
import { perElement } from "./work.js";

interface AlongAxis {
  readonly axis: number;
}

export interface SoftmaxAttrs {
  Softmax: AlongAxis;
  LogSoftmax: AlongAxis;
  Hardmax: AlongAxis;
}

const shared = {
  attributes: { axis: int(-1) },
  infer: (x: readonly (Operand | undefined)[], { axis }: AlongAxis): readonly TensorType[] => {
    const type = typeAt(x, 0);
    normalizeAxis(axis, type.shape.length);
    return [type];
  },
  work: perElement(14),
} as const;

function sumAlong(b: Emitter, value: Value, axis: number): Value {
  return sumOver(b, value, [normalizeAxis(axis, value.type.shape.length)], true);
}

export const softmax: { readonly [K in keyof SoftmaxAttrs]: OpDef<K> } = {
  // From y, so that x need not be kept: dx = y·(dy − Σ dy·y)
  Softmax: {
    ...shared,
    grad: (b, { y: [y], dy: [dy], attrs: { axis } }) => [mul(b, y!, sub(b, dy!, sumAlong(b, mul(b, dy!, y!), axis)))],
  },
  // exp(y) is the softmax: dx = dy − exp(y)·Σ dy
  LogSoftmax: {
    ...shared,
    grad: (b, { y: [y], dy: [dy], attrs: { axis } }) => [
      sub(b, dy!, mul(b, b.emit("Exp", [y]), sumAlong(b, dy!, axis))),
    ],
  },
  Hardmax: { ...shared, grad: { none: "piecewise constant" } },
};
