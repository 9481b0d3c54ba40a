/** @file Element types by the numbers that ONNX gives them (TensorProto.DataType), as attributes such as Cast's `to` hold. */
import { PipewrightError } from "../errors.js";
import type { DType } from "../ir/graph.js";

const CODE: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

const DTYPE: ReadonlyMap<number, DType> = new Map(
  Object.entries(CODE).map(([dtype, code]) => [code, dtype as DType] as const),
);

/** ONNX's number for an element type. */
export function elementTypeCode(dtype: DType): number {
  return CODE[dtype];
}

/** The element type behind ONNX's number; undefined for those the IR lacks. */
export function elementTypeNamed(code: number): DType | undefined {
  return DTYPE.get(code);
}

/** The same. @throws MODEL_UNSUPPORTED for those the IR lacks (complex, 8-bit floats, 4-bit integers). */
export function elementTypeOf(code: number): DType {
  const dtype = elementTypeNamed(code);
  if (dtype) return dtype;
  throw new PipewrightError(
    "MODEL_UNSUPPORTED",
    `element type ${code} of ONNX is not supported; expected one of ${[...DTYPE].map(([own, name]) => `${own} (${name})`).join(", ")}.`,
  );
}
