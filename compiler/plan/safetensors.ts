/**
 * @file The safetensors format, read strictly and written reproducibly.
 * Source: huggingface/safetensors, README "Format": u64 header size, JSON header, one buffer without holes.
 */
import { invariant, PipewrightError } from "../errors.js";
import type { DType, Shape, TensorType } from "../ir/graph.js";
import { elementBytes, tensorBytes } from "../ir/literal.js";
import { formatName } from "../names.js";
import { JsonFault, parseJson } from "./strict-json.js";

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
/** As many as ONNX files may have here. */
const MOST_AXES = 64;

interface Entry extends TensorType {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** A tensor and where in the file its bytes begin. */
export interface PlacedTensor extends TensorType {
  readonly offset: number;
}

/**
 * All tensors of a file, in the order of the buffer. Their bytes are views of `bytes`, not copies.
 * `subject` names the file in errors.
 * @throws ARTEFACT_MISMATCH as `safetensorsPlaces`.
 */
export function readSafetensors(bytes: Uint8Array, subject = "safetensors file"): Tensors {
  const places = safetensorsPlaces(bytes, bytes.length, subject);
  return new Map(
    [...places].map(([name, { offset, ...type }]) => [
      name,
      { ...type, bytes: bytes.subarray(offset, offset + tensorBytes(type)) },
    ]),
  );
}

/**
 * Bytes in front of the buffer of a file of `fileBytes` that begins with `start`.
 * @throws ARTEFACT_MISMATCH when they are more than there are.
 */
export function safetensorsHeadBytes(start: Uint8Array, fileBytes: number, subject: string): number {
  return LENGTH_BYTES + headerLength(start, fileBytes, subject);
}

/**
 * Where the tensors of a file of `fileBytes` lie, in the order of the buffer. `head` is its beginning, as long as
 * `safetensorsHeadBytes` says at least.
 * @throws ARTEFACT_MISMATCH when the header or the offsets break the format: unknown types, holes, overlaps, sizes
 * that do not fit the shape, bytes that belong to no tensor.
 */
export function safetensorsPlaces(
  head: Uint8Array,
  fileBytes: number,
  subject: string,
): ReadonlyMap<string, PlacedTensor> {
  const base = safetensorsHeadBytes(head, fileBytes, subject);
  const entries = parseHeader(head.subarray(LENGTH_BYTES, base), subject);
  const places = new Map<string, PlacedTensor>();
  let at = 0;
  for (const { name, dtype, shape, start, end } of entries.sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== at) throw broken(subject, `tensor ${formatName(name)} starts at byte ${start}; expected ${at}`);
    if (end > fileBytes - base)
      throw broken(
        subject,
        `tensor ${formatName(name)} ends at byte ${end}, past the ${fileBytes - base} bytes there are`,
      );
    places.set(name, { dtype, shape, offset: base + start });
    at = end;
  }
  const rest = fileBytes - base - at;
  if (rest !== 0) throw broken(subject, `${rest} bytes at the end belong to no tensor`);
  return places;
}

/** A file's beginning, and the order in which the bytes of its tensors follow. */
export interface SafetensorsHead {
  readonly head: Uint8Array;
  readonly order: readonly string[];
}

/**
 * The beginning of a file with tensors of these types: equal types give equal bytes, whatever their order. Wide element
 * types come first, so that every tensor is aligned.
 * Requires: no strings.
 */
export function safetensorsHead(types: ReadonlyMap<string, TensorType>): SafetensorsHead {
  const sorted = [...types].sort(
    ([a, x], [b, y]) => elementBytes(y.dtype) - elementBytes(x.dtype) || (a < b ? -1 : a > b ? 1 : 0),
  );
  const entries: [string, unknown][] = [];
  let offset = 0;
  for (const [name, type] of sorted) {
    const dtype = NAMES.get(type.dtype);
    invariant(dtype !== undefined && name !== METADATA, `tensor ${name} of ${type.dtype} cannot be stored`);
    const end = offset + tensorBytes(type);
    entries.push([name, { dtype, shape: type.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(text.length / LENGTH_BYTES) * LENGTH_BYTES;
  const head = new Uint8Array(LENGTH_BYTES + headerBytes);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerBytes), true);
  head.set(text, LENGTH_BYTES);
  head.fill(0x20, LENGTH_BYTES + text.length);
  return { head, order: sorted.map(([name]) => name) };
}

/**
 * A file that holds `tensors`, as `safetensorsHead` orders them.
 * Requires: as many bytes as each type takes; no strings.
 */
export function writeSafetensors(tensors: Tensors): Uint8Array {
  const { head, order } = safetensorsHead(tensors);
  const parts = order.map((name) => {
    const tensor = tensors.get(name)!;
    invariant(tensor.bytes.length === tensorBytes(tensor), `tensor ${name} has ${tensor.bytes.length} bytes`);
    return tensor.bytes;
  });
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, head.length));
  file.set(head);
  let at = head.length;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function headerLength(bytes: Uint8Array, fileBytes: number, subject: string): number {
  if (fileBytes < LENGTH_BYTES) throw broken(subject, `it has ${fileBytes} bytes; expected at least 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  const most = Math.min(HEADER_LIMIT_BYTES, fileBytes - LENGTH_BYTES);
  if (length > BigInt(most)) throw broken(subject, `the header claims ${length} bytes; at most ${most} fit`);
  return Number(length);
}

function parseHeader(bytes: Uint8Array, subject: string): Entry[] {
  let header: unknown;
  try {
    header = parseJson(bytes);
  } catch (error) {
    if (error instanceof JsonFault) throw broken(subject, `the header is ${error.message}`);
    throw error;
  }
  if (!isRecord(header)) throw broken(subject, "the header is not a JSON object");
  return Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => parseEntry(name, entry, subject));
}

function parseEntry(name: string, entry: unknown, subject: string): Entry {
  const { dtype: code, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  const dtype = typeof code === "string" ? DTYPES.get(code) : undefined;
  if (!dtype) throw broken(subject, `tensor ${formatName(name)} has the unknown element type ${shown(code)}`);
  if (!isSizes(shape) || shape.length > MOST_AXES)
    throw broken(subject, `tensor ${formatName(name)} has the malformed shape ${shown(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw broken(subject, `tensor ${formatName(name)} has the malformed offsets ${shown(offsets)}`);
  const [start, end] = offsets as readonly [number, number];
  const expected = tensorBytes({ dtype, shape });
  if (end - start !== expected) {
    const type = `${dtype}${shown(shape)}`;
    throw broken(subject, `tensor ${formatName(name)} has ${end - start} bytes; expected ${expected} for ${type}`);
  }
  return { name, dtype, shape, start, end };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Longest value of a header that a message shows. */
const SHOWN_CHARACTERS = 120;

function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
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
