/** @file ONNX's element type numbers and our names for them. Source: TensorProto.DataType. */
import { PipewrightError } from "../errors.js";
import type { DType } from "../ir/graph.js";

const CODES: Readonly<Record<DType, number>> = {
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

const NAMES: ReadonlyMap<number, DType> = new Map(Object.entries(CODES).map(([dtype, code]) => [code, dtype as DType]));

/** Types of ONNX that pipewright does not handle, so that the error can name them. */
const FOREIGN: Readonly<Record<number, string>> = {
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
  24: "float8e8m0",
  25: "uint2",
  26: "int2",
};

/** ONNX's number of an element type. */
export function dtypeCode(dtype: DType): number {
  return CODES[dtype];
}

/**
 * The element type of an ONNX number. `where` names the value.
 * @throws MODEL_UNSUPPORTED for types that cannot be trained (complex, 8 bits of float and less); MODEL_MALFORMED.
 */
export function dtypeOf(code: number, where: string): DType {
  const dtype = NAMES.get(code);
  if (dtype) return dtype;
  const foreign = FOREIGN[code];
  if (foreign) {
    throw new PipewrightError("MODEL_UNSUPPORTED", `${where}: element type ${foreign} is not supported.`, { where });
  }
  throw new PipewrightError(
    "MODEL_MALFORMED",
    `${where}: element type ${code} does not exist; expected a number from 1 to 26.`,
    { where },
  );
}
