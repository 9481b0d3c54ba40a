/** @file Changes of element type. */
import { isFloat } from "../ir/literal.js";
import type { Value } from "../ir/graph.js";
import type { Emitter, OpDef } from "./define.js";
import { int, required } from "./define.js";
import { elementTypeCode, elementTypeOf } from "./element-type.js";
import { foldElements } from "./fold.js";
import { typeAt } from "./shape.js";
import { perElement } from "./work.js";

export interface CastAttrs {
  /** `to` is ONNX's number of the element type; `saturate` concerns 8-bit floats only. */
  Cast: { readonly to: number; readonly saturate: number };
  CastLike: { readonly saturate: number };
}

/** Gradients cross between float types only. */
function castBack(b: Emitter, x: Value, y: Value, dy: Value): Value | undefined {
  if (!isFloat(x.type.dtype) || !isFloat(y.type.dtype)) return undefined;
  return x.type.dtype === dy.type.dtype ? dy : b.emit("Cast", [dy], { to: elementTypeCode(x.type.dtype) });
}

export const cast: { readonly [K in keyof CastAttrs]: OpDef<K> } = {
  Cast: {
    attributes: { to: required(int()), saturate: int(1) },
    infer: (x, { to }) => [{ dtype: elementTypeOf(to), shape: typeAt(x, 0).shape }],
    work: perElement(1),
    grad: (b, { x: [x], y: [y], dy: [dy] }) => [castBack(b, x!, y!, dy!)],
    fold: (x, attrs, y) => {
      const toBool = y[0]?.dtype === "bool";
      const toInteger = y[0] !== undefined && !isFloat(y[0].dtype);
      const float = (value?: number): number =>
        toBool ? Number(value !== 0) : toInteger ? Math.trunc(value!) : value!;
      return foldElements({ float, integer: (value) => (toBool ? BigInt(value !== 0n) : value!) })(x, attrs, y);
    },
  },
  CastLike: {
    attributes: { saturate: int(1) },
    infer: (x) => [{ dtype: typeAt(x, 1).dtype, shape: typeAt(x, 0).shape }],
    work: perElement(1),
    grad: (b, { x: [x], y: [y], dy: [dy] }) => [castBack(b, x!, y!, dy!), undefined],
  },
};
