/** @file Ops that move elements without arithmetic. */
import { elementCount } from "../ir/literal.js";
import type { OpDef } from "./define.js";
import { int } from "./define.js";
import { perElement } from "./binary.js";
import { mismatch, numbersAt, typeAt } from "./shape.js";

export interface MovementAttrs {
  Reshape: { readonly allowzero: number };
}

export const movement: { readonly [K in keyof MovementAttrs]: OpDef<K> } = {
  Reshape: {
    attributes: { allowzero: int(0) },
    infer: (x, { allowzero }) => {
      const { dtype, shape } = typeAt(x, 0);
      const wanted = numbersAt(x, 1).map((size, axis) => (size === 0 && !allowzero ? (shape[axis] ?? 0) : size));
      const known = wanted.reduce((product, size) => (size === -1 ? product : product * size), 1);
      const result = wanted.map((size) => (size === -1 ? elementCount(shape) / known : size));
      if (elementCount(result) !== elementCount(shape))
        throw mismatch(`cannot reshape [${shape.join(",")}] to [${wanted.join(",")}].`);
      return [{ dtype, shape: result }];
    },
    work: perElement(0),
    grad: (b, { x: [x], dy: [dy] }) => [b.emit("Reshape", [dy!, b.int64s(x!.type.shape)], {}), undefined],
  },
};
