/** @file Bytes to ModelProto and back. The one way in: no ONNX bytes are decoded elsewhere. */
import protobuf from "protobufjs/light.js";
import { PipewrightError } from "../errors.js";
import type { ModelLimits } from "./limits.js";
import { DEFAULT_LIMITS, overLimit } from "./limits.js";
import type { ModelProto } from "./proto.js";
import { ROOT } from "./schema.js";
import { scanModel } from "./scan.js";
import { foreignFormat } from "./sniff.js";

const MODEL = ROOT.lookupType("ModelProto");

/**
 * Decodes a model. Tensor data are views of `bytes`, never copies; unknown fields are kept.
 *
 * Ensures: structure and limits as `scanModel` says; the model has a graph.
 * @throws MODEL_MALFORMED for bytes that are no ONNX model, with what they are; LIMIT_EXCEEDED.
 */
export function decodeModel(bytes: Uint8Array, limits: ModelLimits = DEFAULT_LIMITS): ModelProto {
  if (bytes.length === 0) throw notOnnx("the file is empty.");
  if (bytes.length > limits.fileBytes)
    throw overLimit("fileBytes", "size of the model file", bytes.length, limits.fileBytes);
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    scanModel(plain, limits);
  } catch (error) {
    const foreign =
      error instanceof PipewrightError && error.code === "MODEL_MALFORMED" ? foreignFormat(plain) : undefined;
    throw foreign ? notOnnx(foreign) : error;
  }
  const model = decode(plain);
  if (!model.graph) throw notOnnx(foreignFormat(plain) ?? "it holds no graph.");
  return model;
}

/** The model as bytes. Ensures: decoding gives an equal model, unknown fields included. */
export function encodeModel(model: ModelProto): Uint8Array {
  const bytes = MODEL.encode(model, new protobuf.Writer()).finish();
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

function decode(bytes: Uint8Array): ModelProto {
  const reader = new protobuf.Reader(bytes);
  reader.discardUnknown = false;
  try {
    return MODEL.decode(reader) as unknown as ModelProto;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PipewrightError(
      "MODEL_MALFORMED",
      `model file: ${reason} near byte ${reader.pos}. The file is damaged.`,
      {
        offset: reader.pos,
      },
    );
  }
}

function notOnnx(what: string): PipewrightError {
  return new PipewrightError("MODEL_MALFORMED", `model file: no ONNX model; ${what}`);
}
