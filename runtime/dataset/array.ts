/** @file Arrays as data files hold them: dense, row-major, little-endian. */
import type { DType, Shape } from "../../compiler/ir/graph.js";
import { elementBytes, elementCount } from "../../compiler/ir/literal.js";
import { PipewrightError } from "../../compiler/errors.js";
import type { StoredTensor, Tensors } from "../../compiler/plan/safetensors.js";

/** One array of a data file. Its bytes may lie at any offset of their memory. */
export type FileArray = StoredTensor;

/** The arrays of a data file by name. A file that holds one unnamed array gives it the name "". */
export type FileArrays = Tensors;

/** The error of a data file that is broken: names the file and what is wrong with it. */
export function broken(file: string, message: string): PipewrightError {
  return new PipewrightError("ARTEFACT_MISMATCH", `data file ${file}: ${message}`, { file });
}

/** An array over part of a file. @throws ARTEFACT_MISMATCH when the file ends before the array does. */
export function arrayAt(file: string, bytes: Uint8Array, offset: number, dtype: DType, shape: Shape): FileArray {
  const length = elementCount(shape) * elementBytes(dtype);
  if (!Number.isSafeInteger(length) || offset + length > bytes.length) {
    throw broken(
      file,
      `the file ends early; got ${bytes.length - offset} bytes of elements, expected ${length} for ${dtype} [${shape.join(",")}]. Write the file again.`,
    );
  }
  return { dtype, shape, bytes: bytes.subarray(offset, offset + length) };
}

/** Little-endian copy of big-endian elements. */
export function swapBytes(bytes: Uint8Array, elementSize: number): Uint8Array {
  const swapped = Uint8Array.from(bytes);
  for (let at = 0; at < swapped.length; at += elementSize) swapped.subarray(at, at + elementSize).reverse();
  return swapped;
}
