/** @file Where the bytes of a parameter are. Planning never reads them; training and checkpoints do, one at a time. */
import type { DType, TensorType } from "../ir/graph.js";
import { isHalf, widened } from "../ir/half.js";
import { allocateElements, elementCount, tensorBytes as bytesOfType } from "../ir/literal.js";
import { externalPart, isExternal, malformedExternal } from "./external.js";
import type { TensorProto } from "./proto.js";
import { bytesFromElements, elementsFromBytes, tensorBytes } from "./tensor-data.js";

/**
 * The initial value of a parameter. All elements little-endian, row-major; `dtype` is the type of the bytes, which the
 * parameter has too, or float32 where it is half precision.
 */
export type WeightSource =
  /** Bytes of the model file: a view, not a copy. */
  | { readonly kind: "inline"; readonly bytes: Uint8Array; readonly dtype: DType }
  /** A part of another file; `location` is relative and leads below the model's folder, links aside. */
  | {
      readonly kind: "external";
      readonly location: string;
      readonly offset: number;
      readonly length: number;
      /** SHA-1 of the whole file in hex, where the model gives it. */
      readonly checksum: string | undefined;
      readonly dtype: DType;
    }
  /** Every element has this value. */
  | { readonly kind: "fill"; readonly value: number; readonly dtype: DType };

/**
 * Where the data of an initializer are. @throws MODEL_MALFORMED when the data do not fit the type, or external data
 * are described wrongly.
 */
export function weightSource(tensor: TensorProto, type: TensorType, where: string): WeightSource {
  if (!isExternal(tensor)) return { kind: "inline", bytes: tensorBytes(tensor, where), dtype: type.dtype };
  if (type.dtype === "string") throw malformedExternal(where, "strings cannot be external");
  const size = bytesOfType(type);
  const { location, offset, length = size, checksum } = externalPart(tensor, where);
  if (length !== size) throw malformedExternal(where, `"length" is ${length}, but its type takes ${size} bytes`);
  return { kind: "external", location, offset, length, checksum, dtype: type.dtype };
}

/** Bytes of a file as the parameter has them: halves widened to float32, all others as they are. */
export function trainingBytes(bytes: Uint8Array, dtype: DType): Uint8Array {
  if (!isHalf(dtype)) return bytes;
  return bytesFromElements(widened(elementsFromBytes(dtype, bytes) as Uint16Array, dtype));
}

/**
 * The bytes of an inline or filled weight, of the element type of its parameter.
 * Requires: a kind other than external, which only the runtime can read.
 */
export function weightBytes(source: Exclude<WeightSource, { kind: "external" }>, type: TensorType): Uint8Array {
  if (source.kind === "inline") return trainingBytes(source.bytes, source.dtype);
  const elements = allocateElements(type.dtype as Exclude<DType, "string">, elementCount(type.shape));
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) elements.fill(BigInt(source.value));
  else elements.fill(source.value);
  return bytesFromElements(elements);
}
