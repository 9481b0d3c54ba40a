/**
 * @file NumPy's .npy files.
 * Source: numpy/lib/format.py, format versions 1.0, 2.0 and 3.0. Refused: object arrays, structured types.
 */
import type { DType } from "../../compiler/ir/graph.js";
import { elementBytes, elementCount } from "../../compiler/ir/literal.js";
import type { FileArray } from "./array.js";
import { arrayFrom, broken, swapBytes } from "./array.js";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy's kind and size to element type. */
const DTYPES: ReadonlyMap<string, DType> = new Map([
  ["f4", "float32"],
  ["f8", "float64"],
  ["f2", "float16"],
  ["i8", "int64"],
  ["i4", "int32"],
  ["i2", "int16"],
  ["i1", "int8"],
  ["u8", "uint64"],
  ["u4", "uint32"],
  ["u2", "uint16"],
  ["u1", "uint8"],
  ["b1", "bool"],
]);

/** Reads one array. Fortran order is turned to row-major. @throws ARTEFACT_MISMATCH naming `file`. */
export function readNpy(file: string, bytes: Uint8Array): FileArray {
  if (!MAGIC.every((byte, at) => bytes[at] === byte)) {
    throw broken(file, "not a .npy file: the first bytes are wrong. Write it with numpy.save.");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes[6]! >= 2;
  const start = long ? 12 : 10;
  if (bytes.length < start) throw broken(file, "the file ends inside its header. Write the file again.");
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const described = /'descr':\s*'([<>|=])(\w+)'/.exec(header);
  const shape = /'shape':\s*\(([\d,\sL]*)\)/.exec(header);
  const dtype = described && DTYPES.get(described[2]!);
  if (!described || !shape || !dtype) {
    throw broken(
      file,
      `unsupported header ${JSON.stringify(header.trim().slice(0, 120))}; expected plain numbers or booleans. Convert the array with astype.`,
    );
  }
  const sizes = (shape[1]!.match(/\d+/g) ?? []).map(Number);
  const array = arrayFrom(file, bytes, start + length, dtype, sizes);
  const ordered = described[1] === ">" ? { ...array, bytes: swapBytes(array.bytes, elementBytes(dtype)) } : array;
  return /'fortran_order':\s*True/.test(header) ? rowMajor(ordered) : ordered;
}

/** Row-major copy of an array whose first axis runs fastest. */
function rowMajor({ dtype, shape, bytes }: FileArray): FileArray {
  const size = elementBytes(dtype);
  const result = new Uint8Array(bytes.length);
  const place = shape.map(() => 0);
  for (let target = 0; target < elementCount(shape); target++) {
    let source = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) source = source * shape[axis]! + place[axis]!;
    result.set(bytes.subarray(source * size, source * size + size), target * size);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis] = (place[axis]! + 1) % shape[axis]!;
      if (place[axis] !== 0) break;
    }
  }
  return { dtype, shape, bytes: result };
}
