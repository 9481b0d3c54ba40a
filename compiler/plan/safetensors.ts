/**
 * @file The safetensors format, read strictly and written reproducibly.
 * Source: huggingface/safetensors, README "Format": u64 header size, JSON header, one buffer without holes.
 */
import { invariant, PipewrightError } from "../errors.js";
import type { DType, Shape, TensorType } from "../ir/graph.js";
import { elementBytes, tensorBytes } from "../ir/literal.js";

/** A tensor as bytes: dense, row-major, little-endian. */
export interface StoredTensor extends TensorType {
  readonly bytes: Uint8Array;
}

/** Tensors by name. */
export type Tensors = ReadonlyMap<string, StoredTensor>;

const DTYPES: ReadonlyMap<string, DType> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U64", "uint64"],
  ["U32", "uint32"],
  ["U16", "uint16"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);
const NAMES: ReadonlyMap<DType, string> = new Map([...DTYPES].map(([name, dtype]) => [dtype, name]));

const LENGTH_BYTES = 8;
/** The format's own limit of the header. */
const HEADER_LIMIT_BYTES = 100_000_000;
const METADATA = "__metadata__";

interface Entry extends TensorType {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * All tensors of a file, in the order of the buffer. Their bytes are views of `bytes`, not copies.
 * `subject` names the file in errors.
 * @throws ARTEFACT_MISMATCH when the header or the offsets break the format: unknown types, holes, overlaps, sizes
 * that do not fit the shape, bytes that belong to no tensor.
 */
export function readSafetensors(bytes: Uint8Array, subject = "safetensors file"): Tensors {
  const headerBytes = headerLength(bytes, subject);
  const buffer = bytes.subarray(LENGTH_BYTES + headerBytes);
  const entries = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes), subject);
  const tensors = new Map<string, StoredTensor>();
  let offset = 0;
  for (const { name, dtype, shape, start, end } of entries.sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== offset) throw broken(subject, `tensor "${name}" starts at byte ${start}; expected ${offset}`);
    if (end > buffer.length)
      throw broken(subject, `tensor "${name}" ends at byte ${end}, past the ${buffer.length} bytes there are`);
    tensors.set(name, { dtype, shape, bytes: buffer.subarray(start, end) });
    offset = end;
  }
  if (offset !== buffer.length) throw broken(subject, `${buffer.length - offset} bytes at the end belong to no tensor`);
  return tensors;
}

/**
 * A file that holds `tensors`: equal tensors give equal bytes, whatever their order. Wide element types come first, so
 * that every tensor is aligned.
 * Requires: as many bytes as each type takes; no strings.
 */
export function writeSafetensors(tensors: Tensors): Uint8Array {
  const sorted = [...tensors].sort(
    ([a, x], [b, y]) => elementBytes(y.dtype) - elementBytes(x.dtype) || (a < b ? -1 : a > b ? 1 : 0),
  );
  const entries: [string, unknown][] = [];
  let offset = 0;
  for (const [name, tensor] of sorted) {
    const dtype = NAMES.get(tensor.dtype);
    invariant(dtype !== undefined && name !== METADATA, `tensor ${name} of ${tensor.dtype} cannot be stored`);
    invariant(tensor.bytes.length === tensorBytes(tensor), `tensor ${name} has ${tensor.bytes.length} bytes`);
    const end = offset + tensor.bytes.length;
    entries.push([name, { dtype, shape: tensor.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(text.length / LENGTH_BYTES) * LENGTH_BYTES;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(text, LENGTH_BYTES);
  file.fill(0x20, LENGTH_BYTES + text.length, LENGTH_BYTES + headerBytes);
  let at = LENGTH_BYTES + headerBytes;
  for (const [, tensor] of sorted) {
    file.set(tensor.bytes, at);
    at += tensor.bytes.length;
  }
  return file;
}

function headerLength(bytes: Uint8Array, subject: string): number {
  if (bytes.length < LENGTH_BYTES) throw broken(subject, `it has ${bytes.length} bytes; expected at least 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  const most = Math.min(HEADER_LIMIT_BYTES, bytes.length - LENGTH_BYTES);
  if (length > BigInt(most)) throw broken(subject, `the header claims ${length} bytes; at most ${most} fit`);
  return Number(length);
}

function parseHeader(bytes: Uint8Array, subject: string): Entry[] {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw broken(subject, "the header is not JSON");
  }
  if (!isRecord(header)) throw broken(subject, "the header is not a JSON object");
  return Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => parseEntry(name, entry, subject));
}

function parseEntry(name: string, entry: unknown, subject: string): Entry {
  const { dtype: code, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  const dtype = typeof code === "string" ? DTYPES.get(code) : undefined;
  if (!dtype) throw broken(subject, `tensor "${name}" has the unknown element type ${JSON.stringify(code)}`);
  if (!isSizes(shape)) throw broken(subject, `tensor "${name}" has the malformed shape ${JSON.stringify(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw broken(subject, `tensor "${name}" has the malformed offsets ${JSON.stringify(offsets)}`);
  const [start, end] = offsets as readonly [number, number];
  const expected = tensorBytes({ dtype, shape });
  if (end - start !== expected) {
    const type = `${dtype}[${shape.join(",")}]`;
    throw broken(subject, `tensor "${name}" has ${end - start} bytes; expected ${expected} for ${type}`);
  }
  return { name, dtype, shape, start, end };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is Shape {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function broken(subject: string, what: string): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `${subject}: ${what}. The file is damaged or was written by other software.`,
    { subject },
  );
}
