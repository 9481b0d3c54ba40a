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
  const { text, end } = header(file, bytes);
  const { byteOrder, dtype, isFortran, shape } = described(file, text);
  const array = arrayFrom(file, bytes, end, dtype, shape);
  const ordered = byteOrder === ">" ? { ...array, bytes: swapBytes(array.bytes, elementBytes(dtype)) } : array;
  return isFortran ? rowMajor(ordered) : ordered;
}

/** Longest header that NumPy itself reads without being asked to. */
const MOST_HEADER_BYTES = 10_000;

/** The text that describes the array, and where its elements begin. */
function header(file: string, bytes: Uint8Array): { readonly text: string; readonly end: number } {
  const version = bytes[6];
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw broken(file, "the file ends inside its header. Write the file again.");
  if (version !== 1 && version !== 2 && version !== 3)
    throw broken(file, `unknown format; got version ${version}, expected 1, 2 or 3. Write it with numpy.save.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MOST_HEADER_BYTES)
    throw broken(file, `the header is too long; got ${length} bytes, expected at most ${MOST_HEADER_BYTES}.`);
  const end = start + length;
  if (end > bytes.length) throw broken(file, "the file ends inside its header. Write the file again.");
  return { text: new TextDecoder().decode(bytes.subarray(start, end)), end };
}

/** A member of the header, with what separates it from the next one. */
const MEMBER =
  /^\s*'(?:(descr)':\s*'([<>|=])(\w+)'|(fortran_order)':\s*(True|False)|(shape)':\s*\(((?:\s*\d+L?\s*,)*\s*(?:\d+L?)?\s*)\))\s*(?:,|(?=\}))/;

interface Description {
  readonly byteOrder: string;
  readonly dtype: DType;
  readonly isFortran: boolean;
  readonly shape: readonly number[];
}

/** Reads the three members of the header, each once and in any order, and nothing else: it is never evaluated. */
function described(file: string, text: string): Description {
  const found = new Map<string, readonly string[]>();
  let rest = text.replace(/^\s*\{/, "");
  for (let member = MEMBER.exec(rest); member && text !== rest; member = MEMBER.exec(rest)) {
    const [whole, descr, byteOrder = "", kind = "", order, isFortran = "", shape, sizes = ""] = member;
    const name = descr ?? order ?? shape!;
    if (found.has(name)) break;
    found.set(name, descr ? [byteOrder, kind] : [order ? isFortran : sizes]);
    rest = rest.slice(whole.length);
  }
  const [byteOrder, kind] = found.get("descr") ?? [];
  const dtype = kind === undefined ? undefined : DTYPES.get(kind);
  const [isFortran] = found.get("fortran_order") ?? [];
  const [sizes] = found.get("shape") ?? [];
  const shape = sizes?.match(/\d+/g)?.map(Number) ?? [];
  if (dtype === undefined || isFortran === undefined || sizes === undefined || !/^\s*\}\s*$/.test(rest)) {
    throw broken(
      file,
      `unsupported header ${JSON.stringify(text.trim().slice(0, 120))}; expected plain numbers or booleans. Convert the array with astype.`,
    );
  }
  if (!shape.every(Number.isSafeInteger))
    throw broken(file, `the shape is too large; got (${sizes.slice(0, 120)}), expected sizes below 2^53.`);
  return { byteOrder: byteOrder!, dtype, isFortran: isFortran === "True", shape };
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
