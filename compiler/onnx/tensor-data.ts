/**
 * @file TensorProto: type, bytes, literal. Elements are little-endian wherever they are bytes.
 * Data come as raw_data or as one of five number lists, which the schema leaves as raw wire bytes (see schema.ts).
 */
import { PipewrightError } from "../errors.js";
import type { DType, Literal, LiteralElements, TensorType } from "../ir/graph.js";
import { checkedElementCount } from "../ir/checked.js";
import { allocateElements, elementBytes, elementCount } from "../ir/literal.js";
import { formatName } from "../names.js";
import { dtypeCode, dtypeOf } from "./dtype.js";
import { externalPart, isExternal } from "./external.js";
import type { AttributeProto, TensorProto } from "./proto.js";
import { bigOf, has, numberOf } from "./proto.js";
import { bytesField, varints, WIRE, WireReader } from "./wire.js";

/** The number list that holds each element type when raw_data does not, and how wide its elements are on the wire. */
const LISTS = {
  float_data: { field: 4, wire: WIRE.fixed32, dtypes: ["float32"] },
  int32_data: {
    field: 5,
    wire: WIRE.varint,
    dtypes: ["int32", "int16", "int8", "uint16", "uint8", "bool", "float16", "bfloat16"],
  },
  int64_data: { field: 7, wire: WIRE.varint, dtypes: ["int64"] },
  double_data: { field: 10, wire: WIRE.fixed64, dtypes: ["float64"] },
  uint64_data: { field: 11, wire: WIRE.varint, dtypes: ["uint64", "uint32"] },
} as const;

const LIST_FIELDS: ReadonlySet<number> = new Set(Object.values(LISTS).map(({ field }) => field));

type NumberList = (typeof LISTS)[keyof typeof LISTS];

/** Which list holds elements of `dtype`. Strings have a list of their own. */
function numberListOf(dtype: DType): NumberList | undefined {
  return Object.values(LISTS).find(({ dtypes }) => (dtypes as readonly DType[]).includes(dtype));
}

/** Type of a tensor. @throws MODEL_MALFORMED for negative or too many elements; MODEL_UNSUPPORTED as `dtypeOf`. */
export function tensorType(tensor: TensorProto, where: string): TensorType {
  if (tensor.segment) {
    throw new PipewrightError("MODEL_UNSUPPORTED", `${where}: it is one segment of a larger tensor. Export it whole.`);
  }
  const shape = tensor.dims.map(numberOf);
  if (shape.some((size) => size < 0) || !Number.isSafeInteger(checkedElementCount(shape) * 8)) {
    throw malformedTensor(where, `its shape [${exactDims(tensor)}] is impossible`);
  }
  return { dtype: dtypeOf(tensor.data_type, where), shape };
}

/** The sizes digit by digit, also those past 2^53; not more of them than anybody reads. */
function exactDims({ dims }: TensorProto): string {
  const shown = dims.slice(0, 8).map((size) => String(bigOf(size)));
  return dims.length > 8 ? `${shown.join(",")},… ${dims.length} axes` : shown.join(",");
}

/**
 * Elements of a numeric tensor as little-endian bytes: a view of the file for raw_data and for packed floats.
 * Requires: data in the file, not external.
 * @throws MODEL_MALFORMED when there are more or fewer elements than the shape has.
 */
export function tensorBytes(tensor: TensorProto, where: string): Uint8Array {
  const type = tensorType(tensor, where);
  const wanted = elementCount(type.shape) * elementBytes(type.dtype);
  if (isExternal(tensor)) {
    const { location } = externalPart(tensor, where);
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      `${where}: its data are in ${formatName(location)}, but its value is needed to read the model. Keep small tensors in the model file.`,
    );
  }
  const inRaw = has(tensor, "raw_data") && (tensor.raw_data!.length > 0 || wanted === 0);
  if (inRaw && (tensor.$unknowns ?? []).some(isNumberList)) throw malformedTensor(where, "it holds its data twice");
  const found = inRaw ? tensor.raw_data! : listBytes(tensor, type, where);
  if (found.length !== wanted) {
    throw malformedTensor(
      where,
      `it has ${found.length} bytes of data, but ${type.dtype}[${type.shape.join(",")}] takes ${wanted}`,
    );
  }
  return found;
}

/** The tensor as a literal. Requires: data in the file. Ensures: elements are a copy, aligned. @throws as `tensorBytes`. */
export function tensorLiteral(tensor: TensorProto, where: string): Literal {
  const type = tensorType(tensor, where);
  if (type.dtype === "string") {
    const elements = (tensor.string_data ?? []).map((text) => new TextDecoder().decode(text));
    if (elements.length !== elementCount(type.shape)) throw malformedTensor(where, `it has ${elements.length} strings`);
    return { ...type, elements };
  }
  return { ...type, elements: elementsFromBytes(type.dtype, tensorBytes(tensor, where)) };
}

/** A literal as a TensorProto with raw_data. */
export function tensorProto(literal: Literal, name: string): TensorProto {
  const head = { dims: literal.shape, data_type: dtypeCode(literal.dtype), name };
  if (literal.dtype === "string") {
    const encoder = new TextEncoder();
    return { ...head, string_data: (literal.elements as readonly string[]).map((text) => encoder.encode(text)) };
  }
  return { ...head, raw_data: bytesFromElements(literal.elements as Exclude<LiteralElements, readonly string[]>) };
}

/** Little-endian bytes as typed elements, copied. Requires: a whole number of elements. */
export function elementsFromBytes(
  dtype: Exclude<DType, "string">,
  bytes: Uint8Array,
): Exclude<LiteralElements, readonly string[]> {
  const elements = allocateElements(dtype, bytes.length / elementBytes(dtype));
  bytesFromElements(elements).set(bytes);
  return elements;
}

/** The memory of typed elements, as bytes. */
export function bytesFromElements(elements: Exclude<LiteralElements, readonly string[]>): Uint8Array {
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}

/** True for a field of the wire that is one of the number lists and holds something. */
function isNumberList(field: Uint8Array): boolean {
  const reader = new WireReader(field);
  const tag = reader.tag();
  return LIST_FIELDS.has(tag.field) && (tag.wire !== WIRE.bytes || reader.length() > 0);
}

/** Elements out of the number lists, in file order, packed or not. */
function listBytes(tensor: TensorProto, type: TensorType, where: string): Uint8Array {
  const list = numberListOf(type.dtype);
  if (!list) throw malformedTensor(where, `a ${type.dtype} tensor has no list of numbers`);
  const parts = listParts(tensor, list);
  if (parts.some(({ wire }) => wire !== WIRE.bytes && wire !== list.wire)) {
    throw malformedTensor(where, "its list of numbers has the wrong encoding");
  }
  const payload = parts.length === 1 ? parts[0]!.payload : concatenate(parts.map((part) => part.payload));
  return list.wire === WIRE.varint ? decodeVarints(type, payload, where) : payload;
}

/** The payloads of a number list, in file order. */
function listParts(
  tensor: TensorProto,
  list: NumberList,
): readonly { readonly wire: number; readonly payload: Uint8Array }[] {
  return (tensor.$unknowns ?? []).flatMap((field) => {
    const reader = new WireReader(field);
    const tag = reader.tag();
    if (tag.field !== list.field) return [];
    if (tag.wire === WIRE.bytes) reader.length();
    return [{ wire: tag.wire, payload: field.subarray(reader.position) }];
  });
}

function decodeVarints(type: TensorType, payload: Uint8Array, where: string): Uint8Array {
  const count = payload.reduce((sum, byte) => sum + (byte < 0x80 ? 1 : 0), 0);
  if (count !== elementCount(type.shape)) {
    throw malformedTensor(
      where,
      `it lists ${count} numbers, but its shape [${type.shape.join(",")}] takes ${elementCount(type.shape)}`,
    );
  }
  const elements = allocateElements(type.dtype as Exclude<DType, "string">, count);
  const reader = new WireReader(payload);
  for (let position = 0; position < count; position++) {
    if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) elements[position] = reader.varint64();
    else elements[position] = Number(BigInt.asIntN(64, reader.varint64()));
  }
  return bytesFromElements(elements);
}

/**
 * Where in the file the elements stand, if each takes as many bytes as in memory: raw_data, or the payloads of
 * float_data or double_data one after the other. Undefined for other number lists.
 */
export function elementViews(tensor: TensorProto): readonly Uint8Array[] | undefined {
  if (has(tensor, "raw_data") && tensor.raw_data!.length > 0) return [tensor.raw_data!];
  const list = numberListOf(dtypeOf(tensor.data_type, tensor.name ?? ""));
  if (!list || list.wire === WIRE.varint) return undefined;
  return listParts(tensor, list).map(({ payload }) => payload);
}

/** The numbers of an attribute as a tensor of one axis. */
export function floatsTensor({ name, floats = [] }: AttributeProto): TensorProto {
  return { name, dims: [floats.length], data_type: 1, raw_data: bytesFromElements(Float32Array.from(floats)) };
}

/**
 * The tensor with other elements of the same type, in the form it had: raw_data, or its number list.
 * Requires: as many bytes as the type takes; a float type.
 */
export function withBytes(tensor: TensorProto, bytes: Uint8Array): TensorProto {
  const dtype = dtypeOf(tensor.data_type, tensor.name ?? "") as Exclude<DType, "string">;
  const list = numberListOf(dtype);
  const others = (tensor.$unknowns ?? []).filter((field) => !LIST_FIELDS.has(new WireReader(field).tag().field));
  const rest = Object.fromEntries(
    Object.entries(tensor).filter(([name]) => !["raw_data", "external_data", "data_location"].includes(name)),
  ) as unknown as TensorProto;
  if (has(tensor, "raw_data") || !list) return { ...rest, raw_data: bytes, $unknowns: others };
  const isPlain = list.wire !== WIRE.varint;
  const payload = isPlain ? bytes : varints(elementsFromBytes(dtype, bytes) as Iterable<number>);
  return { ...rest, $unknowns: [...others, bytesField(list.field, payload)] };
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function malformedTensor(where: string, what: string): PipewrightError {
  return new PipewrightError(
    "MODEL_MALFORMED",
    `${where}: ${what}. The file is damaged or was written by a broken exporter.`,
    {
      where,
    },
  );
}
