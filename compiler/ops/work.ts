/** @file Work of ops that do none, of elementwise ops, and of all others whose arithmetic is a multiple of what they write. */
import type { TensorType } from "../ir/graph.js";
import { elementCount, tensorBytes } from "../ir/literal.js";
import type { Work } from "./define.js";

type Types = readonly (TensorType | undefined)[];

/** Bytes of all inputs plus all outputs. */
export function trafficBytes(x: Types, y: Types): number {
  return [...x, ...y].reduce((sum, type) => sum + (type ? tensorBytes(type) : 0), 0);
}

/** Work of ops that only say how the same memory is read: engines hand it on. */
export function noWork(): Work {
  return { flops: 0, bytes: 0 };
}

/** Work of ops that copy some elements of their first input: those and all other inputs are read, and no more. */
export function copyWork([, ...others]: Types, y: Types): Work {
  return { flops: 0, bytes: trafficBytes([...y, ...others], y) };
}

/** Work of `flopsPerElement` operations on each element of the first output. */
export function perElement(flopsPerElement: number) {
  return (x: Types, y: Types): Work => ({
    flops: flopsPerElement * (y[0] ? elementCount(y[0].shape) : 0),
    bytes: trafficBytes(x, y),
  });
}

/** Work of `flopsPerElement` operations on each element of the first input. */
export function perInputElement(flopsPerElement: number) {
  return (x: Types, y: Types): Work => ({
    flops: flopsPerElement * (x[0] ? elementCount(x[0].shape) : 0),
    bytes: trafficBytes(x, y),
  });
}
