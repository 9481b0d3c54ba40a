/** @file The IDX files of the MNIST distribution: a type byte, big-endian sizes, big-endian elements. Source: LeCun. */
import type { DType } from "../../compiler/ir/graph.js";
import { elementBytes } from "../../compiler/ir/literal.js";
import type { FileArray } from "./array.js";
import { arrayFrom, broken, swapBytes } from "./array.js";

const DTYPES: Readonly<Record<number, DType>> = {
  0x08: "uint8",
  0x09: "int8",
  0x0b: "int16",
  0x0c: "int32",
  0x0d: "float32",
  0x0e: "float64",
};

/** Reads one array. @throws ARTEFACT_MISMATCH naming `file`. */
export function readIdx(file: string, bytes: Uint8Array): FileArray {
  const dtype = DTYPES[bytes[2] ?? 0];
  if (bytes[0] !== 0 || bytes[1] !== 0 || !dtype) {
    throw broken(file, "not an IDX file: the first bytes are wrong. Unpack it if it ends in .gz.");
  }
  const axes = bytes[3];
  if (axes === undefined || bytes.length < 4 + 4 * axes) throw broken(file, "the file ends inside its header.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis, false));
  const array = arrayFrom(file, bytes, 4 + 4 * axes, dtype, shape);
  const size = elementBytes(dtype);
  return size === 1 ? array : { ...array, bytes: swapBytes(array.bytes, size) };
}
