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

/** As many as NumPy has. */
const MOST_AXES = 64;

/** The array that fills a file from `offset` on. @throws ARTEFACT_MISMATCH when the file has fewer bytes or more. */
export function arrayFrom(file: string, bytes: Uint8Array, offset: number, dtype: DType, shape: Shape): FileArray {
  if (shape.length > MOST_AXES)
    throw broken(file, `too many axes; got ${shape.length}, expected at most ${MOST_AXES}. Reshape the array.`);
  const length = elementCount(shape) * elementBytes(dtype);
  const found = Math.max(0, bytes.length - offset);
  if (length === found) return { dtype, shape, bytes: bytes.subarray(offset) };
  const expected = Number.isSafeInteger(length) ? String(length) : "more than 2^53";
  throw broken(
    file,
    `the file ${length < found ? "goes on behind its elements" : "ends early"}; got ${found} bytes of elements, expected ${expected} for ${dtype} [${shape.join(",")}]. Write the file again.`,
  );
}

/** The text of a file. @throws ARTEFACT_MISMATCH when it is no UTF-8, LIMIT_EXCEEDED when it is longer than texts can be. */
export function textOf(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (
      error instanceof TypeError &&
      (error as { readonly code?: string }).code === "ERR_ENCODING_INVALID_ENCODED_DATA"
    )
      throw broken(file, "the text is not UTF-8. Save it as UTF-8.");
    throw new PipewrightError(
      "LIMIT_EXCEEDED",
      `data file ${file}: the text is too long; got ${bytes.length} bytes. Split the file, or save it as .npz.`,
      { file },
    );
  }
}

/** Little-endian copy of big-endian elements. */
export function swapBytes(bytes: Uint8Array, elementSize: number): Uint8Array {
  const swapped = Uint8Array.from(bytes);
  for (let at = 0; at < swapped.length; at += elementSize) swapped.subarray(at, at + elementSize).reverse();
  return swapped;
}
