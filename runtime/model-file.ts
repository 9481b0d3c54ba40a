/** @file The one way by which a model file becomes a graph with weights, for every command and the library. */
import type { CompileModel } from "../compiler/compile.js";
import { PipewrightError } from "../compiler/errors.js";
import { tensorBytes } from "../compiler/ir/literal.js";
import type { ModelProto } from "../compiler/onnx/proto.js";
import type { ImportedModel } from "../compiler/onnx/import.js";
import { importModel } from "../compiler/onnx/import.js";
import type { WeightSource } from "../compiler/onnx/weights.js";
import { weightBytes } from "../compiler/onnx/weights.js";
import type { Tensors } from "../compiler/plan/safetensors.js";
import type { Env } from "./env/env.js";
import { digestOf } from "./plan/directory.js";

/** A model as it was read. */
export interface LoadedModel extends CompileModel {
  /** The file, byte for byte. */
  readonly bytes: Uint8Array;
  /** The decoded file, for writing trained weights back. */
  readonly proto: ModelProto;
  readonly weights: ImportedModel["weights"];
  /** Folder of the file, for external data. */
  readonly folder: string;
}

/** Shapes of inputs by name, for inputs to which the file gives none. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

/**
 * Reads and imports a model file. Weights stay where they are.
 * @throws FILE, and what import throws.
 */
export async function loadModel(
  env: Env,
  path: string,
  bind: Readonly<Record<string, number>> = {},
  inputShapes: InputShapes = {},
): Promise<LoadedModel> {
  const bytes = await env.files.read(path);
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.onnx$/, "");
  return { ...modelOf(bytes, name, bind, inputShapes), folder };
}

/** The same for bytes that are in memory; external data are then looked for in the working directory. */
export function modelOf(
  bytes: Uint8Array,
  name: string,
  bind: Readonly<Record<string, number>> = {},
  inputShapes: InputShapes = {},
): LoadedModel {
  const { graph, weights, model } = importModel(bytes, { bind, inputShapes });
  return { name, digest: digestOf(bytes), graph, bind, bytes, proto: model, weights, folder: "." };
}

/** The start values of all parameters. @throws FILE, MODEL_MALFORMED when external data are missing or too short. */
export async function loadWeights(env: Env, model: LoadedModel): Promise<Tensors> {
  const entries = model.graph.params.map(
    async (
      param,
    ): Promise<[string, { dtype: typeof param.type.dtype; shape: readonly number[]; bytes: Uint8Array }]> => {
      const source = model.weights.get(param.id);
      if (!source)
        throw new PipewrightError(
          "MODEL_MALFORMED",
          `parameter ${JSON.stringify(param.name)}: the file gives it no value.`,
        );
      const { dtype, shape } = param.type;
      return [param.name, { dtype, shape, bytes: await sourceBytes(env, model.folder, source, param.type) }];
    },
  );
  return new Map(await Promise.all(entries));
}

async function sourceBytes(
  env: Env,
  folder: string,
  source: WeightSource,
  type: Parameters<typeof weightBytes>[1],
): Promise<Uint8Array> {
  if (source.kind !== "external") return weightBytes(source, type);
  const parts = source.location.split("/");
  if (
    source.location.startsWith("/") ||
    source.location.includes("\0") ||
    source.location.includes("\\") ||
    parts.includes("..")
  ) {
    throw new PipewrightError(
      "MODEL_MALFORMED",
      `external data ${JSON.stringify(source.location)}: outside the model's folder. Move the data next to the model.`,
    );
  }
  return env.files.readRange(`${folder}/${source.location}`, source.offset, tensorBytes(type));
}
