/** @file ONNX's element type numbers and our names for them. Source: TensorProto.DataType. */
import { PipewrightError } from "../errors.js";
import type { DType } from "../ir/graph.js";
import { elementTypeCode, elementTypeNamed } from "../ops/element-type.js";

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
export const dtypeCode: (dtype: DType) => number = elementTypeCode;

/**
 * The element type of an ONNX number. `where` names the value.
 * @throws MODEL_UNSUPPORTED for types that cannot be trained (complex, 8 bits of float and less); MODEL_MALFORMED.
 */
export function dtypeOf(code: number, where: string): DType {
  const dtype = elementTypeNamed(code);
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
