/** @file Pooling over all spatial axes at once. */
import { listed } from "../ir/listed.js";
import { elementCount, literalOf } from "../ir/literal.js";
import type { NoAttrs, OpDef, Operand } from "./define.js";
import { int, noAttrs } from "./define.js";
import { div, equal, mul, select } from "./expression.js";
import { asType, reshape, sumOver } from "./emission.js";
import { typeAt } from "./shape.js";
import { spatialOf } from "./window.js";
import { perInputElement } from "./work.js";

export interface GlobalPoolAttrs {
  GlobalAveragePool: NoAttrs;
  GlobalMaxPool: NoAttrs;
  GlobalLpPool: { readonly p: number };
}

function inferGlobal(x: readonly (Operand | undefined)[]) {
  const { dtype, shape } = typeAt(x, 0);
  return [{ dtype, shape: [...shape.slice(0, 2), ...spatialOf(shape).map(() => 1)] }];
}

export const globalPool: { readonly [K in keyof GlobalPoolAttrs]: OpDef<K> } = {
  GlobalAveragePool: {
    attributes: noAttrs,
    infer: inferGlobal,
    work: perInputElement(1),
    // A column times a row of equal numbers: engines are slow to expand along inner axes.
    grad: (b, { x: [x], dy: [dy] }) => {
      const { dtype, shape } = x!.type;
      const [rows, count] = [elementCount(shape.slice(0, 2)), elementCount(shape.slice(2))];
      const shares = b.literal(
        literalOf(
          dtype,
          [1, count],
          listed(count, () => 1 / count),
        ),
      );
      return [reshape(b, b.emit("MatMul", [reshape(b, dy!, [rows, 1]), shares]), shape)];
    },
  },

  GlobalMaxPool: {
    attributes: noAttrs,
    infer: inferGlobal,
    work: perInputElement(1),
    // In equal parts to all elements that attain the maximum, as torch's amax does.
    grad: (b, { x: [x], y: [y], dy: [dy] }) => {
      const attains = asType(b, equal(b, x!, y!), x!.type.dtype);
      const spatialAxes = [...x!.type.shape.keys()].slice(2);
      return [mul(b, attains, div(b, dy!, sumOver(b, attains, spatialAxes, true)))];
    },
  },

  GlobalLpPool: {
    attributes: { p: int(2) },
    infer: inferGlobal,
    work: perInputElement(2),
    // y = (Σ|x|ᵖ)^(1/p)  =>  dx = dy · sign(x) · (|x|/y)ᵖ⁻¹, and 0 where y = 0
    grad: (b, { x: [x], y: [y], dy: [dy], attrs: { p } }) => {
      const sign = b.emit("Sign", [x]);
      if (p === 1) return [mul(b, sign, dy!)];
      const norm = select(b, equal(b, y!, 0), 1, y!);
      if (p === 2) return [mul(b, x!, div(b, dy!, norm))];
      const ratio = b.emit("Pow", [div(b, b.emit("Abs", [x]), norm), b.scalar(p - 1, x!.type.dtype)]);
      return [mul(b, mul(b, sign, ratio), dy!)];
    },
  },
};
