/** @file Softmax and its relatives, along one axis. */
import type { TensorType } from "../ir/graph.js";
import type { OpDef, Operand } from "./define.js";
import { int } from "./define.js";
import { filled } from "./emission.js";
import { mul, neg, sub } from "./expression.js";
import { normalizeAxis, typeAt } from "./shape.js";
import { picksAlong, plus, sumAlong } from "./spread.js";
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

export const softmax: { readonly [K in keyof SoftmaxAttrs]: OpDef<K> } = {
  // From y, so that x need not be kept: dx = y·(dy − Σ dy·y)
  Softmax: {
    ...shared,
    grad: (b, { y: [y], dy: [dy], attrs }) => {
      const axis = normalizeAxis(attrs.axis, y!.type.shape.length);
      return [mul(b, y!, sub(b, dy!, sumAlong(b, mul(b, dy!, y!), axis)))];
    },
  },
  // exp(y) is the softmax: dx = dy − exp(y)·Σ dy. A loss picks one element a line: dx = (1 − exp(y))·dy there, −exp(y)·dy
  // elsewhere. The product comes last: it makes a tensor of its own, and what changes one element works in place.
  LogSoftmax: {
    ...shared,
    grad: (b, { y: [y], dy: [dy], attrs }) => {
      const axis = normalizeAxis(attrs.axis, y!.type.shape.length);
      const softmax = b.emit("Exp", [y]);
      const picks = picksAlong(b, dy!, axis);
      if (!picks) return [plus(b, mul(b, softmax, neg(b, sumAlong(b, dy!, axis))), dy!)];
      const { number, addTo } = picks;
      return [mul(b, addTo(softmax, filled(b, number.type, -1)), neg(b, number))];
    },
  },
  Hardmax: { ...shared, grad: { none: "piecewise constant" } },
};
