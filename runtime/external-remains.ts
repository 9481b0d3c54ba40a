/**
 * @file What a model's files of external data hold besides the plan's parameters: gaps between tensors, and tensors that
 * nothing reads. With them a plan can write the whole files again.
 */
import { PipewrightError } from "../compiler/errors.js";
import { formatName } from "../compiler/names.js";
import { externalPart, isExternal, locationFault } from "../compiler/onnx/external.js";
import type { ModelProto, TensorProto } from "../compiler/onnx/proto.js";
import type { StoredTensor, Tensors } from "../compiler/plan/safetensors.js";
import type { Env, Files } from "./env/env.js";
import { placedParams } from "./external-weights.js";
import type { LoadedModel } from "./model-file.js";

/** One stretch of a file of external data. */
export interface Remain {
  readonly location: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * The stretches of a plan's `external.safetensors`; an empty one stands at the end of every file.
 * @throws ARTEFACT_MISMATCH naming `subject` for a tensor that is none, or would lead out of the model's folder.
 */
export function remainsOf(tensors: Tensors, subject: string): readonly Remain[] {
  return [...tensors].map(([name, { bytes }]) => {
    const [, offset, location = ""] = NAME.exec(name) ?? [];
    if (offset === undefined || locationFault(location) !== undefined) {
      throw new PipewrightError(
        "ARTEFACT_MISMATCH",
        `${subject}: tensor ${formatName(name)} is no part of a file; expected OFFSET:LOCATION below the model's folder. Make the plan again with \`pipewright partition\`.`,
        { subject },
      );
    }
    return { location, offset: Number(offset), bytes };
  });
}

/** What `readRemains` calls a stretch. */
const NAME = /^(0|[1-9][0-9]{0,15}):(.+)$/s;

/**
 * The remains of a model's external files, as tensors "OFFSET:LOCATION"; undefined when it has no such files. Files that
 * are not there are left out: only tensors that nothing reads can name them.
 */
export async function readRemains({ files }: Env, model: LoadedModel): Promise<Tensors | undefined> {
  const held = new Map<string, [start: number, end: number][]>();
  for (const location of externalLocations(model.proto)) held.set(location, []);
  for (const { source } of placedParams(model))
    if (source.kind === "external") held.get(source.location)!.push([source.offset, source.offset + source.length]);
  if (held.size === 0) return undefined;
  const remains = new Map<string, StoredTensor>();
  for (const [location, parts] of held) {
    const file = await openIfThere(files, model.folder, location);
    if (!file || "refused" in file) continue;
    try {
      const keep = async (start: number, end: number): Promise<void> => {
        const bytes = await file.readRange(start, end - start);
        remains.set(`${start}:${location}`, { dtype: "uint8", shape: [bytes.length], bytes });
      };
      let at = 0;
      for (const [start, end] of parts.sort(([a], [b]) => a - b)) {
        if (start > at) await keep(at, start);
        at = Math.max(at, end);
      }
      if (at < file.bytes) await keep(at, file.bytes);
      await keep(file.bytes, file.bytes);
    } finally {
      await file.close();
    }
  }
  return remains;
}

/** A file of external data, or why it is refused; undefined when it cannot be opened. */
export async function openIfThere(
  files: Files,
  folder: string,
  location: string,
): Promise<Awaited<ReturnType<Files["openConfined"]>> | undefined> {
  try {
    return await files.openConfined(folder, location);
  } catch (error) {
    if (error instanceof PipewrightError) return undefined;
    throw error;
  }
}

/** Files that external tensors name anywhere in a model, each once. Tensors that describe their place wrongly are passed over. */
export function externalLocations(model: ModelProto): ReadonlySet<string> {
  const locations = [...externalTensors(model)].map(locationOf);
  return new Set(locations.filter((location) => location !== undefined));
}

/** The file that an external tensor names; undefined when it describes its place wrongly. */
export function locationOf(tensor: TensorProto): string | undefined {
  try {
    return externalPart(tensor, "").location;
  } catch (error) {
    if (error instanceof PipewrightError) return undefined;
    throw error;
  }
}

/** The external tensors of a model: initializers, attributes, those of functions and inner graphs. */
export function* externalTensors(message: object): Generator<TensorProto> {
  if (Array.isArray(message)) {
    for (const item of message) if (isMessage(item)) yield* externalTensors(item);
    return;
  }
  if (isExternal(message as TensorProto)) yield message as TensorProto;
  for (const value of Object.values(message)) if (isMessage(value)) yield* externalTensors(value);
}

function isMessage(value: unknown): value is object {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
}
