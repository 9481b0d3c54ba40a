/**
 * @file The budget pass: walks the raw bytes of a model once, before anything is decoded, and refuses what would cost
 * more than the declared limits. It allocates nothing but the path to where it stands.
 * Cost: linear in the bytes that are no tensor data.
 */
import { PipewrightError } from "../errors.js";
import type { ModelLimits } from "./limits.js";
import { overLimit } from "./limits.js";
import type { MessageName } from "./schema.js";
import { MESSAGES } from "./schema.js";
import { malformed, WIRE, WireReader } from "./wire.js";

type Kind = "number" | "text" | "bytes" | MessageName;
interface FieldInfo {
  readonly name: string;
  readonly kind: Kind;
  readonly repeated: boolean;
}

/** Fields by number, per message. */
const FIELDS: ReadonlyMap<MessageName, ReadonlyMap<number, FieldInfo>> = new Map(
  Object.entries(MESSAGES).map(([message, fields]) => [
    message as MessageName,
    new Map(
      Object.entries(fields).map(([name, [id, type, repeated]]) => {
        const numeric = type === "int32" || type === "int64" || type === "uint64" || type === "float";
        const kind = numeric ? "number" : type === "string" ? "text" : type;
        return [id, { name, kind, repeated: repeated !== undefined }];
      }),
    ),
  ]),
);

/** Where the walk stands: "graph.node[3].attribute[0]" by frames. */
interface Frame {
  readonly message: MessageName;
  readonly parent: Frame | undefined;
  /** The field of the parent that holds this message, and which of its repetitions this is. */
  readonly field: string;
  readonly position: number | undefined;
  readonly depth: number;
}

interface Counts {
  messages: number;
  numbers: number;
  texts: number;
  byteStrings: number;
  nodes: number;
  tensors: number;
  functions: number;
  externalTensors: number;
}

/** What the walk saw of the model. */
export interface ScannedModel {
  /** Tensors that name another file for their data, wherever they stand. */
  readonly externalTensors: number;
}

/**
 * Requires: nothing of the bytes.
 * Ensures: they form a ModelProto as far as structure goes, within `limits`, with UTF-8 text and one graph at most.
 * @throws MODEL_MALFORMED with the byte offset and the element; LIMIT_EXCEEDED.
 */
export function scanModel(bytes: Uint8Array, limits: ModelLimits): ScannedModel {
  const counts: Counts = {
    ...{ messages: 0, numbers: 0, texts: 0, byteStrings: 0 },
    ...{ nodes: 0, tensors: 0, functions: 0, externalTensors: 0 },
  };
  const root: Frame = { message: "ModelProto", parent: undefined, field: "", position: undefined, depth: 0 };
  scanMessage(new WireReader(bytes), root, limits, counts);
  return counts;
}

function scanMessage(reader: WireReader, frame: Frame, limits: ModelLimits, counts: Counts): void {
  if (frame.depth > limits.nesting)
    throw overLimit("nesting", `nesting of ${pathOf(frame)}`, frame.depth, limits.nesting);
  countMessage(frame, limits, counts);
  const fields = FIELDS.get(frame.message)!;
  const repetitions: number[] = [];
  while (reader.position < reader.end) {
    const start = reader.position;
    const { field, wire } = reader.tag();
    if (wire === WIRE.groupStart || wire === WIRE.groupEnd) {
      if (wire === WIRE.groupEnd) throw malformed(start, `${pathOf(frame)} ends a group that it never began`);
      skipGroup(reader, field, frame.depth + 1, limits);
      continue;
    }
    const known = fields.get(field);
    if (wire !== WIRE.bytes) {
      countNumbers(1, frame, limits, counts);
      if (known?.repeated) checkList((repetitions[field] = (repetitions[field] ?? 0) + 1), known.name, frame, limits);
      if (known?.kind === "number" && known.name === "data_location" && wire === WIRE.varint)
        counts.externalTensors += place(reader.varint(), start, frame);
      else reader.skip(wire);
      continue;
    }
    const end = reader.length() + reader.position;
    if (known) {
      const seen = repetitions[field] ?? 0;
      repetitions[field] = seen + 1;
      scanPayload(reader, end, start, known, seen, frame, limits, counts);
    } else if (frame.message !== "TensorProto") countNumbers(1, frame, limits, counts);
    reader.position = end;
  }
}

function scanPayload(
  reader: WireReader,
  end: number,
  start: number,
  known: FieldInfo,
  seen: number,
  frame: Frame,
  limits: ModelLimits,
  counts: Counts,
): void {
  const { kind, name, repeated } = known;
  const position = repeated ? seen : undefined;
  if (kind === "number") {
    const numbers = name === "floats" ? (end - reader.position) / 4 : varintsIn(reader.bytes, reader.position, end);
    checkList(numbers, name, frame, limits);
    countNumbers(end - reader.position, frame, limits, counts);
  } else if (kind === "text") {
    const size = end - reader.position;
    if (name !== "doc_string" && name !== "value" && size > limits.nameBytes) {
      throw overLimit("nameBytes", `length of ${join(frame, name, position)}`, size, limits.nameBytes);
    }
    countTexts("texts", frame, limits, counts);
    checkUtf8(reader.bytes.subarray(reader.position, end), reader.position, frame, name, position);
  } else if (kind === "bytes") {
    countNumbers(1, frame, limits, counts);
    if (repeated) countTexts("byteStrings", frame, limits, counts);
  } else {
    if (!repeated && seen > 0) {
      throw new PipewrightError(
        "MODEL_MALFORMED",
        `${join(frame, name, position)}: given twice; the second one starts at byte ${start}. Write the model with one.`,
        { offset: start },
      );
    }
    if (end === reader.position && !COUNTED.has(kind)) {
      countAnyMessage(limits, counts);
      return;
    }
    const outer = reader.end;
    reader.end = end;
    const child: Frame = {
      message: kind,
      parent: frame,
      field: name,
      position,
      depth: frame.depth + 1,
    };
    scanMessage(reader, child, limits, counts);
    reader.end = outer;
  }
}

/** Where the data of a tensor are: 0 in this file, 1 in another one. */
function place(number: number, start: number, frame: Frame): number {
  if (number === 0 || number === 1) return number;
  throw malformed(start, `${pathOf(frame)}.data_location is ${number}; expected 0 or 1`);
}

/** Passes over an unknown group without recursion. */
function skipGroup(reader: WireReader, field: number, depth: number, limits: ModelLimits): void {
  const start = reader.position;
  const open = [field];
  while (open.length > 0) {
    if (reader.position >= reader.end) throw malformed(start, `the group of field ${field} has no end`);
    if (open.length + depth > limits.nesting) {
      throw overLimit("nesting", `nesting of groups at byte ${start}`, open.length + depth, limits.nesting);
    }
    const tag = reader.tag();
    if (tag.wire === WIRE.groupStart) open.push(tag.field);
    else if (tag.wire === WIRE.groupEnd) {
      if (open.pop() !== tag.field)
        throw malformed(reader.position, `the group of field ${field} ends with another number`);
    } else reader.skip(tag.wire);
  }
}

/** Messages with limits of their own. Others that are empty need no frame: millions of them are refused quickly. */
const COUNTED: ReadonlySet<string> = new Set(["NodeProto", "TensorProto", "FunctionProto", "AttributeProto"]);

function countAnyMessage(limits: ModelLimits, counts: Counts): void {
  if (++counts.messages > limits.messages)
    throw overLimit("messages", "number of messages in the model file", counts.messages, limits.messages);
}

function countMessage(frame: Frame, limits: ModelLimits, counts: Counts): void {
  const check = (limit: keyof ModelLimits, count: number, what: string): void => {
    if (count > limits[limit]) throw overLimit(limit, what, count, limits[limit]);
  };
  countAnyMessage(limits, counts);
  if (frame.message === "NodeProto") check("nodes", ++counts.nodes, "number of nodes");
  else if (frame.message === "TensorProto") check("tensors", ++counts.tensors, "number of tensors");
  else if (frame.message === "FunctionProto") check("functions", ++counts.functions, "number of functions");
  else if (frame.message === "AttributeProto" && (frame.position ?? 0) >= limits.attributesPerNode) {
    throw overLimit(
      "attributesPerNode",
      `attributes of ${pathOf(frame.parent!)}`,
      frame.position! + 1,
      limits.attributesPerNode,
    );
  }
}

function countNumbers(count: number, frame: Frame, limits: ModelLimits, counts: Counts): void {
  counts.numbers += count;
  if (counts.numbers > limits.numbers) {
    throw overLimit(
      "numbers",
      `values in lists of the model file, at ${pathOf(frame)},`,
      counts.numbers,
      limits.numbers,
    );
  }
}

function countTexts(limit: "texts" | "byteStrings", frame: Frame, limits: ModelLimits, counts: Counts): void {
  if (++counts[limit] > limits[limit])
    throw overLimit(limit, `number of strings in the model file, at ${pathOf(frame)},`, counts[limit], limits[limit]);
}

/** Lists that are short in every model: dims, one per axis, and the numbers of an attribute. */
function checkList(length: number, name: string, frame: Frame, limits: ModelLimits): void {
  const limit = name === "dims" ? "axes" : frame.message === "AttributeProto" ? "attributeNumbers" : undefined;
  if (limit && length > limits[limit])
    throw overLimit(limit, `${join(frame, name, undefined)}: its length`, length, limits[limit]);
}

/** Varints end with a byte below 128. */
function varintsIn(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) if (bytes[at]! < 0x80) count++;
  return count;
}

function checkUtf8(bytes: Uint8Array, offset: number, frame: Frame, name: string, position: number | undefined): void {
  let at = 0;
  while (at < bytes.length && bytes[at]! < 0x80) at++;
  if (at === bytes.length) return;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new PipewrightError(
      "MODEL_MALFORMED",
      `${join(frame, name, position)}: the text at byte ${offset} is not UTF-8. The file is damaged or was written by a broken exporter.`,
      { offset },
    );
  }
}

function join(frame: Frame, field: string, position: number | undefined): string {
  const path = pathOf(frame);
  const own = position === undefined ? field : `${field}[${position}]`;
  return path === "model" ? own : `${path}.${own}`;
}

function pathOf(frame: Frame): string {
  return frame.parent ? join(frame.parent, frame.field, frame.position) : "model";
}
