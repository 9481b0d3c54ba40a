/** @file Literals: making them, and reading them as plain numbers. */
import { invariant, PipewrightError } from "../errors.js";
import type { DType, Literal, LiteralElements, Shape } from "./graph.js";

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

const BYTES: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
  string: 0,
};

/** Bytes of one element; 0 for strings, which have no fixed size. */
export function elementBytes(dtype: DType): number {
  return BYTES[dtype];
}

/** Bytes of a dense tensor. */
export function tensorBytes(type: { readonly dtype: DType; readonly shape: Shape }): number {
  return elementCount(type.shape) * elementBytes(type.dtype);
}

/** True for the element types that carry gradients. */
export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16";
}

/** Zero-filled storage for `count` elements. Strings have none. */
export function allocateElements(
  dtype: Exclude<DType, "string">,
  count: number,
): Exclude<LiteralElements, readonly string[]> {
  switch (dtype) {
    case "float32":
      return new Float32Array(count);
    case "float64":
      return new Float64Array(count);
    case "int64":
      return new BigInt64Array(count);
    case "uint64":
      return new BigUint64Array(count);
    case "int32":
      return new Int32Array(count);
    case "int16":
      return new Int16Array(count);
    case "int8":
      return new Int8Array(count);
    case "uint32":
      return new Uint32Array(count);
    case "float16":
    case "bfloat16":
    case "uint16":
      return new Uint16Array(count);
    case "uint8":
    case "bool":
      return new Uint8Array(count);
  }
}

/**
 * A literal from plain numbers, row-major.
 * Requires: as many numbers as the shape has elements; integers for integer types.
 * @throws MODEL_UNSUPPORTED for strings and half precision, which have no plain numbers; SHAPE_MISMATCH for 64-bit
 * integers that are none, which come of sizes and types that do not fit an operator.
 */
export function literalOf(dtype: DType, shape: Shape, numbers: readonly number[]): Literal {
  invariant(
    numbers.length === elementCount(shape),
    `literal of shape [${shape.join(",")}] got ${numbers.length} numbers`,
  );
  if (!hasPlainNumbers(dtype)) throw noPlainNumbers(dtype);
  const elements = allocateElements(dtype, numbers.length);
  for (const [index, number] of numbers.entries()) {
    if (elements instanceof BigInt64Array || elements instanceof BigUint64Array)
      elements[index] = wholeOf(number, dtype);
    else elements[index] = number;
  }
  return { dtype, shape, elements };
}

function wholeOf(number: number, dtype: DType): bigint {
  if (Number.isInteger(number)) return BigInt(number);
  throw new PipewrightError(
    "SHAPE_MISMATCH",
    `a constant of ${dtype} is needed there; got ${number}, which is no integer.`,
  );
}

/** A 1-d int64 literal. */
export function int64Literal(numbers: readonly number[]): Literal {
  return literalOf("int64", [numbers.length], numbers);
}

/** Elements as plain numbers. Requires: a numeric literal other than float16 and bfloat16. */
export function literalNumbers(literal: Literal): readonly number[] {
  const { dtype, elements } = literal;
  if (!hasPlainNumbers(dtype)) throw noPlainNumbers(dtype);
  return Array.from(elements as Float32Array | BigInt64Array, Number);
}

/** True for element types whose elements are numbers as they stand. */
export function hasPlainNumbers(dtype: DType): dtype is Exclude<DType, "string" | "float16" | "bfloat16"> {
  return dtype !== "string" && dtype !== "float16" && dtype !== "bfloat16";
}

function noPlainNumbers(dtype: DType): PipewrightError {
  const message = `element type ${dtype}: arithmetic is needed here; got ${dtype}, expected a type of plain numbers such as float32. Convert the model.`;
  return new PipewrightError("MODEL_UNSUPPORTED", message, { dtype });
}
