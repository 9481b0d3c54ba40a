/** @file Random bits as arithmetic, so that any engine computes the same ones: a hash of position, salt and words. */
import type { Shape, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Emitter } from "./define.js";
import { elementTypeCode } from "./element-type.js";
import { reshape, slice } from "./emission.js";

/** Odd multipliers. Source: Wellons, "Prospecting for hash functions" (2018), lowbias32. */
const MULTIPLIER_1 = 0x7feb352d;
const MULTIPLIER_2 = 0x846ca68b;

/** Two 32-bit constants; different ones give independent bits. */
export type Salt = readonly [number, number];

/**
 * uint32 of `shape`: a bijection of the element's position under the keys words ^ salt.
 * Requires: `words` is uint32[2], itself random. Cost: eleven elementwise integer operations.
 */
export function randomBits(b: Emitter, words: Value, [salt1, salt2]: Salt, shape: Shape): Value {
  const constant = (number: number): Value => b.scalar(number, "uint32");
  const key = (at: number, salt: number): Value =>
    b.emit("BitwiseXor", [slice(b, words, [{ axis: 0, start: at, end: at + 1 }]), constant(salt)]);
  const mix = (bits: Value, shift: number): Value =>
    b.emit("BitwiseXor", [bits, b.emit("BitShift", [bits, constant(shift)], { direction: "RIGHT" })]);

  const limits = [0, elementCount(shape), 1].map((number) => b.scalar(number, "int32"));
  const position = b.emit("Cast", [b.emit("Range", limits)], { to: elementTypeCode("uint32") });
  const first = b.emit("Mul", [mix(b.emit("BitwiseXor", [position, key(0, salt1)]), 16), constant(MULTIPLIER_1)]);
  const second = b.emit("Mul", [mix(b.emit("Add", [first, key(1, salt2)]), 15), constant(MULTIPLIER_2)]);
  return reshape(b, mix(second, 16), shape);
}
