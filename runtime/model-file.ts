/** @file The one way by which a model file becomes a graph with weights, for every command and the library. */
import type { CompileModel } from "../compiler/compile.js";
import { PipewrightError } from "../compiler/errors.js";
import { visible } from "../compiler/names.js";
import { faultOfAnySize } from "../compiler/onnx/any-size.js";
import { decodeModel } from "../compiler/onnx/codec.js";
import type { ImportedModel } from "../compiler/onnx/import.js";
import { importModel } from "../compiler/onnx/import.js";
import type { ModelLimits } from "../compiler/onnx/limits.js";
import { DEFAULT_LIMITS, overLimit } from "../compiler/onnx/limits.js";
import type { ModelProto } from "../compiler/onnx/proto.js";
import { trainingBytes, weightBytes } from "../compiler/onnx/weights.js";
import type { StoredTensor, Tensors } from "../compiler/plan/safetensors.js";
import type { Env } from "./env/env.js";
import type { ExternalFound } from "./external-weights.js";
import { checkExternalFiles, placedInitializers, placedParams, readExternalFiles } from "./external-weights.js";
import { digestOf } from "./digest.js";
import type { StartValue, StartValues } from "./plan/start-values.js";
import { startBytes } from "./plan/start-values.js";

/** A model as it was read. */
export interface LoadedModel extends CompileModel {
  /** The file, byte for byte. */
  readonly bytes: Uint8Array;
  /** The decoded file, for writing trained weights back. */
  readonly proto: ModelProto;
  readonly weights: ImportedModel["weights"];
  /** Operator set of ai.onnx that the file was written for. */
  readonly opset: number;
  /** Float constants that stand where operators have weights, and are no parameters. */
  readonly constants: readonly string[];
  /** Folder of the file, for external data. */
  readonly folder: string;
  /** Files of external data of the parameters. */
  readonly external: readonly ExternalFound[];
}

/** Shapes of inputs by name, for inputs to which the file gives none. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

/**
 * Reads and imports a model file, and looks at the files of its external data. Weights stay where they are.
 * @throws FILE, LIMIT_EXCEEDED before anything of a file past `limits` is read, and what import throws, with `path` in
 * front; DIM_UNBOUND only when nothing else is wrong, as far as that shows without sizes.
 */
export async function loadModel(
  env: Env,
  path: string,
  bind: Readonly<Record<string, number>> = {},
  inputShapes: InputShapes = {},
  limits: ModelLimits = DEFAULT_LIMITS,
): Promise<LoadedModel> {
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : ".";
  const file = path.slice(path.lastIndexOf("/") + 1);
  const name = file.replace(/\.onnx$/, "");
  try {
    const bytes = await readModelFile(env, path, limits);
    try {
      const model = { ...modelOf(bytes, name, bind, inputShapes, limits), folder };
      return { ...model, external: await checkExternalFiles(env, folder, placedParams(model), file) };
    } catch (error) {
      if (!(error instanceof PipewrightError) || error.code !== "DIM_UNBOUND") throw error;
      await checkExternalFiles(env, folder, placedInitializers(decodeModel(bytes, limits)), file);
      const dims = (error.details.dims ?? []) as readonly string[];
      const attempt = (sizes: typeof bind): unknown =>
        importModel(bytes, { bind: { ...bind, ...sizes }, inputShapes, limits });
      throw (dims.length > 0 && faultOfAnySize(dims, attempt)) || error;
    }
  } catch (error) {
    throw inFile(path, error);
  }
}

/** A model file, decoded and nothing more. @throws FILE, LIMIT_EXCEEDED, MODEL_MALFORMED, with `path` in front. */
export async function readModelProto(env: Env, path: string, limits: ModelLimits): Promise<ModelProto> {
  try {
    return decodeModel(await readModelFile(env, path, limits), limits);
  } catch (error) {
    throw inFile(path, error);
  }
}

/** The bytes of a model file. @throws FILE, LIMIT_EXCEEDED before anything of a file past `limits` is read. */
async function readModelFile({ files }: Env, path: string, { fileBytes }: ModelLimits): Promise<Uint8Array> {
  const size = await files.size(path);
  if (size > fileBytes) throw overLimit("fileBytes", "size of the model file", size, fileBytes);
  return files.read(path);
}

/** `loadModel` for bytes that are in memory; external data are then looked for in the working directory. */
export function modelOf(
  bytes: Uint8Array,
  name: string,
  bind: Readonly<Record<string, number>> = {},
  inputShapes: InputShapes = {},
  limits: ModelLimits = DEFAULT_LIMITS,
): LoadedModel {
  const { model: proto, ...imported } = importModel(bytes, { bind, inputShapes, limits });
  return { name, digest: digestOf(bytes), bind, bytes, proto, ...imported, folder: ".", external: [] };
}

/**
 * The start values of all parameters, read when they are asked for. @throws MODEL_MALFORMED when the file gives one of
 * them no value; reading throws FILE.
 */
export function startValues(env: Env, model: LoadedModel): StartValues {
  const known = new Set<string>();
  return new Map(
    placedParams(model).map((placed): [string, StartValue] => {
      const { name, type, source } = placed;
      if (source.kind === "external") {
        const read = async (): Promise<Uint8Array> => {
          const bytes = await readExternalFiles(env, model.folder, [placed], known);
          return trainingBytes(bytes.get(name)!, source.dtype);
        };
        return [name, { ...type, read }];
      }
      // JSON has no other numbers.
      const isPlain = source.kind === "fill" && Number.isFinite(source.value) && !Object.is(source.value, -0);
      if (isPlain) return [name, { ...type, fill: source.value }];
      return [name, { ...type, read: () => Promise.resolve(weightBytes(source, type)) }];
    }),
  );
}

/** The start values of all parameters. @throws FILE, MODEL_MALFORMED when external data are missing or too short. */
export async function loadWeights(env: Env, model: LoadedModel): Promise<Tensors> {
  const weights = new Map<string, StoredTensor>();
  for (const [name, value] of startValues(env, model)) {
    const { dtype, shape } = value;
    weights.set(name, { dtype, shape, bytes: await startBytes(value) });
  }
  return weights;
}

/** The error with the file's name in front of its message, if the message does not open with it already. */
function inFile(path: string, error: unknown): unknown {
  if (!(error instanceof PipewrightError) || error.message.startsWith(visible(path))) return error;
  return new PipewrightError(error.code, `${path}: ${error.message}`, { ...error.details, path });
}
