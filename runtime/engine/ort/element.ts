/** @file Element types as ONNX Runtime numbers them (ONNXTensorElementDataType), with their sizes. */
import { invariant } from "../../../compiler/errors.js";
import type { DType, TensorType } from "../../../compiler/ir/graph.js";

interface Element {
  readonly code: number;
  readonly bytes: number;
}

const ELEMENTS: Readonly<Partial<Record<DType, Element>>> = {
  float32: { code: 1, bytes: 4 },
  uint8: { code: 2, bytes: 1 },
  int8: { code: 3, bytes: 1 },
  uint16: { code: 4, bytes: 2 },
  int16: { code: 5, bytes: 2 },
  int32: { code: 6, bytes: 4 },
  int64: { code: 7, bytes: 8 },
  bool: { code: 9, bytes: 1 },
  float16: { code: 10, bytes: 2 },
  float64: { code: 11, bytes: 8 },
  uint32: { code: 12, bytes: 4 },
  uint64: { code: 13, bytes: 8 },
  bfloat16: { code: 16, bytes: 2 },
};

function element(dtype: DType): Element {
  const found = ELEMENTS[dtype];
  invariant(found, `tensors of ${dtype} have no place in an engine`);
  return found;
}

/** The library's number for an element type. Strings have none here: they never reach an engine. */
export function elementCode(dtype: DType): number {
  return element(dtype).code;
}

/** Bytes of a dense tensor; 0 when an axis is 0. */
export function tensorBytes(type: TensorType): number {
  return type.shape.reduce((product, size) => product * size, element(type.dtype).bytes);
}
