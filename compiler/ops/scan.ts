/** @file Ops along one axis: running sums, and the position of the largest or smallest element. */
import type { TensorType } from "../ir/graph.js";
import type { OpDef, Operand } from "./define.js";
import { int } from "./define.js";
import { mismatch, normalizeAxis, numbersAt, typeAt } from "./shape.js";
import { perInputElement } from "./work.js";

interface ArgExtremum {
  readonly axis: number;
  readonly keepdims: number;
  readonly select_last_index: number;
}

export interface ScanAttrs {
  CumSum: { readonly exclusive: number; readonly reverse: number };
  ArgMax: ArgExtremum;
  ArgMin: ArgExtremum;
}

const argExtremum: OpDef<"ArgMax" | "ArgMin"> = {
  attributes: { axis: int(0), keepdims: int(1), select_last_index: int(0) },
  infer: (x: readonly (Operand | undefined)[], { axis, keepdims }: ArgExtremum): readonly TensorType[] => {
    const { shape } = typeAt(x, 0);
    const reduced = normalizeAxis(axis, shape.length);
    if (shape[reduced] === 0) throw mismatch(`axis ${axis} has no element to choose from.`);
    const kept = shape.flatMap((size, own) => (own !== reduced ? [size] : keepdims ? [1] : []));
    return [{ dtype: "int64", shape: kept }];
  },
  work: perInputElement(1),
  grad: { none: "the output is an integer" },
};

export const scan: { readonly [K in keyof ScanAttrs]: OpDef<K> } = {
  // Each output sums the inputs before it, so each input's gradient sums the outputs after it.
  CumSum: {
    attributes: { exclusive: int(0), reverse: int(0) },
    infer: (x) => {
      const type = typeAt(x, 0);
      for (const axis of numbersAt(x, 1)) normalizeAxis(axis, type.shape.length);
      return [type];
    },
    work: perInputElement(1),
    grad: (b, { x: [, axis], dy: [dy], attrs: { exclusive, reverse } }) => [
      b.emit("CumSum", [dy, axis], { exclusive, reverse: 1 - reverse }),
      undefined,
    ],
  },
  ArgMax: argExtremum,
  ArgMin: argExtremum,
};
