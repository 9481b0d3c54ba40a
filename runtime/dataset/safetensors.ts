/**
 * @file Safetensors files as a source of samples.
 * Source: the format's README, huggingface/safetensors: u64 header size, JSON header, one byte buffer without holes.
 */
import { z } from "zod";
import type { DType } from "../../compiler/ir/graph.js";
import { elementBytes, elementCount } from "../../compiler/ir/literal.js";
import type { FileArray, FileArrays } from "./array.js";
import { arrayAt, broken } from "./array.js";

const DTYPES: Readonly<Record<string, DType>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U64: "uint64",
  U32: "uint32",
  U16: "uint16",
  U8: "uint8",
  BOOL: "bool",
};

/** The format's own limit of the header. */
const HEADER_LIMIT_BYTES = 100_000_000;

const size = z.number().int().nonnegative();
const header = z.record(
  z.string(),
  z.object({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) }),
);

/** Reads all arrays. @throws ARTEFACT_MISMATCH naming `file`. */
export function readSafetensors(file: string, bytes: Uint8Array): FileArrays {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? Infinity : Number(view.getBigUint64(0, true));
  if (length > Math.min(HEADER_LIMIT_BYTES, bytes.length - 8)) {
    throw broken(file, "not a safetensors file: the header does not fit into the file.");
  }
  const parsed = header.safeParse(entriesOf(file, bytes.subarray(8, 8 + length)));
  if (!parsed.success) throw broken(file, `the header is malformed at ${parsed.error.issues[0]!.path.join(".")}.`);
  const arrays = new Map<string, FileArray>();
  for (const [name, entry] of Object.entries(parsed.data)) {
    const dtype = DTYPES[entry.dtype];
    if (!dtype) throw broken(file, `tensor "${name}" has the unknown element type ${entry.dtype}.`);
    const [start, end] = entry.data_offsets;
    if (end - start !== elementCount(entry.shape) * elementBytes(dtype)) {
      throw broken(
        file,
        `tensor "${name}" has ${end - start} bytes; expected those of ${dtype} [${entry.shape.join(",")}].`,
      );
    }
    arrays.set(name, arrayAt(file, bytes, 8 + length + start, dtype, entry.shape));
  }
  return arrays;
}

function entriesOf(file: string, bytes: Uint8Array): unknown {
  try {
    const parsed = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(parsed).filter(([name]) => name !== "__metadata__"));
  } catch {
    throw broken(file, "the header is not JSON.");
  }
}
