/** @file Reductions over axes. */
import type { OpDef } from "./define.js";
import { int } from "./define.js";
import { perElement } from "./binary.js";
import { normalizeAxis, numbersAt, typeAt } from "./shape.js";

export interface ReduceAttrs {
  ReduceSum: { readonly keepdims: number; readonly noop_with_empty_axes: number };
}

export const reduce: { readonly [K in keyof ReduceAttrs]: OpDef<K> } = {
  ReduceSum: {
    attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
    infer: (x, { keepdims }) => {
      const { dtype, shape } = typeAt(x, 0);
      const axes = new Set(x[1] ? numbersAt(x, 1).map((axis) => normalizeAxis(axis, shape.length)) : shape.keys());
      const kept = shape.flatMap((size, axis) => (axes.has(axis) ? (keepdims ? [1] : []) : [size]));
      return [{ dtype, shape: kept }];
    },
    work: perElement(1),
    grad: { missing: "not written yet" },
  },
};
