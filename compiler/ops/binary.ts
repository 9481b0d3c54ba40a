/** @file Elementwise ops of two or more inputs with NumPy broadcasting. */
import type { DType, TensorType } from "../ir/graph.js";
import { elementCount, tensorBytes } from "../ir/literal.js";
import { unbroadcast } from "./broadcast.js";
import type { NoAttrs, OpDef, Operand, Work } from "./define.js";
import { noAttrs } from "./define.js";
import { broadcastShapes, mismatch, typeAt } from "./shape.js";

export interface BinaryAttrs {
  Add: NoAttrs;
  Mul: NoAttrs;
}

/** Shape rule of arithmetic: equal element types, shapes broadcast. */
export function inferArithmetic(x: readonly (Operand | undefined)[]): readonly TensorType[] {
  const [a, b] = [typeAt(x, 0), typeAt(x, 1)];
  if (a.dtype !== b.dtype) throw mismatch(`element types differ; got ${a.dtype} and ${b.dtype}.`);
  return [{ dtype: a.dtype as DType, shape: broadcastShapes(a.shape, b.shape) }];
}

/** Work of `flopsPerElement` operations on each element of the first output. */
export function perElement(flopsPerElement: number) {
  return (x: readonly (TensorType | undefined)[], y: readonly (TensorType | undefined)[]): Work => ({
    flops: flopsPerElement * (y[0] ? elementCount(y[0].shape) : 0),
    bytes: [...x, ...y].reduce((sum, type) => sum + (type ? tensorBytes(type) : 0), 0),
  });
}

export const binary: { readonly [K in keyof BinaryAttrs]: OpDef<K> } = {
  Add: {
    attributes: noAttrs,
    infer: inferArithmetic,
    work: perElement(1),
    grad: (b, { x: [a, c], dy: [dy] }) => [unbroadcast(b, dy!, a!.type.shape), unbroadcast(b, dy!, c!.type.shape)],
  },
  Mul: {
    attributes: noAttrs,
    infer: inferArithmetic,
    work: perElement(1),
    // y = a·c  =>  da = dy·c,  dc = dy·a
    grad: (b, { x: [a, c], dy: [dy] }) => [
      unbroadcast(b, b.emit("Mul", [dy!, c]), a!.type.shape),
      unbroadcast(b, b.emit("Mul", [dy!, a]), c!.type.shape),
    ],
  },
};
