/** @file Turns the arrays of data files into tensors of the element type that a model asks for, or says why not. */
import { PipewrightError } from "../../compiler/errors.js";
import type { DType } from "../../compiler/ir/graph.js";
import { widened } from "../../compiler/ir/half.js";
import { allocateElements, elementBytes } from "../../compiler/ir/literal.js";
import type { FileArray } from "./array.js";

/** Conversions that keep every value, and float64 to float32, which rounds: NumPy and CSV make float64 by default. */
const ALLOWED: Readonly<Partial<Record<DType, readonly DType[]>>> = {
  bool: ["uint8", "int32", "int64", "float32", "float64"],
  uint8: ["int16", "int32", "int64", "float32", "float64", "bool"],
  int8: ["int16", "int32", "int64", "float32", "float64"],
  uint16: ["int32", "int64", "float32", "float64"],
  int16: ["int32", "int64", "float32", "float64"],
  uint32: ["int64", "float64"],
  int32: ["int64", "float64"],
  float32: ["float64"],
  float64: ["float32"],
  float16: ["float32", "float64"],
  bfloat16: ["float32", "float64"],
};

/**
 * The array with elements of `dtype`.
 * @throws ARTEFACT_MISMATCH when the element types differ and the conversion could lose values.
 */
export function convert(array: FileArray, dtype: DType, subject: string): FileArray {
  if (array.dtype === dtype) return array;
  const whole = dtype !== "string" && array.dtype === "float64" && isInteger(dtype) && allIntegers(array, dtype);
  if (!whole && !ALLOWED[array.dtype]?.includes(dtype)) {
    throw new PipewrightError(
      "ARTEFACT_MISMATCH",
      `${subject}: the element type is wrong; got ${array.dtype}, expected ${dtype}. Convert it with astype("${dtype}") and save it again.`,
      { got: array.dtype, expected: dtype },
    );
  }
  const source = numbersOf(array);
  const elements = allocateElements(dtype as Exclude<DType, "string">, source.length);
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    for (let at = 0; at < source.length; at++) elements[at] = BigInt(source[at]!);
  } else {
    for (let at = 0; at < source.length; at++)
      elements[at] = dtype === "bool" ? Number(source[at] !== 0) : Number(source[at]);
  }
  return { dtype, shape: array.shape, bytes: new Uint8Array(elements.buffer) };
}

function isInteger(dtype: DType): boolean {
  return /^u?int/.test(dtype);
}

/** True when every element is an integer that `dtype` can hold, so that nothing is lost. */
function allIntegers(array: FileArray, dtype: DType): boolean {
  const bits = Math.min(53, 8 * elementBytes(dtype));
  const unsigned = dtype.startsWith("u");
  const low = unsigned ? 0 : -(2 ** (bits - 1));
  const high = unsigned ? 2 ** bits - 1 : 2 ** (bits - 1) - 1;
  return (numbersOf(array) as Float64Array).every((x) => Number.isInteger(x) && x >= low && x <= high);
}

/** The elements as a typed array, copied so that they are aligned. Requires: a dtype of the table above. */
function numbersOf({ dtype, bytes }: FileArray): ArrayLike<number> {
  const { buffer } = Uint8Array.from(bytes);
  switch (dtype) {
    case "bool":
    case "uint8":
      return new Uint8Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "uint16":
      return new Uint16Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "uint32":
      return new Uint32Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "float32":
      return new Float32Array(buffer);
    case "float16":
    case "bfloat16":
      return widened(new Uint16Array(buffer), dtype);
    default:
      return new Float64Array(buffer);
  }
}
