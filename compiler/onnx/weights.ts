/** @file Where the bytes of a parameter are. Planning never reads them; training and checkpoints do, one at a time. */
import { PipewrightError } from "../errors.js";
import type { DType, TensorType } from "../ir/graph.js";
import { allocateElements, elementCount, tensorBytes as bytesOfType } from "../ir/literal.js";
import type { TensorProto } from "./proto.js";
import { bytesFromElements, tensorBytes } from "./tensor-data.js";

/** The initial value of a parameter. All elements little-endian, row-major. */
export type WeightSource =
  /** Bytes of the model file: a view, not a copy. */
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  /** A part of another file; `location` is relative to the model's directory and not yet checked. */
  | { readonly kind: "external"; readonly location: string; readonly offset: number; readonly length: number }
  /** Every element has this value. */
  | { readonly kind: "fill"; readonly value: number };

const WHOLE = /^(0|[1-9][0-9]{0,15})$/;

/**
 * Where the data of an initializer are. @throws MODEL_MALFORMED when the data do not fit the type, or external data
 * are described wrongly.
 */
export function weightSource(tensor: TensorProto, type: TensorType, where: string): WeightSource {
  if (tensor.data_location !== 1) return { kind: "inline", bytes: tensorBytes(tensor, where) };
  const entries = new Map((tensor.external_data ?? []).map(({ key, value }) => [key, value]));
  const size = bytesOfType(type);
  const whole = (key: string, fallback: number): number => {
    const text = entries.get(key);
    if (text === undefined) return fallback;
    if (WHOLE.test(text)) return Number(text);
    throw external(where, `"${key}" is ${JSON.stringify(text)}; expected a whole number`);
  };
  const location = entries.get("location");
  if (!location) throw external(where, "no location is given");
  const length = whole("length", size);
  if (length !== size) throw external(where, `"length" is ${length}, but its type takes ${size} bytes`);
  return { kind: "external", location, offset: whole("offset", 0), length };
}

/**
 * The bytes of an inline or filled weight.
 * Requires: a kind other than external, which only the runtime can read.
 */
export function weightBytes(source: Exclude<WeightSource, { kind: "external" }>, type: TensorType): Uint8Array {
  if (source.kind === "inline") return source.bytes;
  const elements = allocateElements(type.dtype as Exclude<DType, "string">, elementCount(type.shape));
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) elements.fill(BigInt(source.value));
  else elements.fill(source.value);
  return bytesFromElements(elements);
}

function external(where: string, what: string): PipewrightError {
  return new PipewrightError("MODEL_MALFORMED", `${where}: external data: ${what}. Export the model again.`, { where });
}
