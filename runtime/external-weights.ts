/**
 * @file External data of a model: looked at when the model is loaded, read when weights are needed. The model's author
 * chose the names, so files are opened through `openConfined` only.
 */
import { PipewrightError } from "../compiler/errors.js";
import type { TensorType } from "../compiler/ir/graph.js";
import { formatName } from "../compiler/names.js";
import type { ImportedModel } from "../compiler/onnx/import.js";
import type { ModelProto } from "../compiler/onnx/proto.js";
import { tensorType } from "../compiler/onnx/tensor-data.js";
import type { WeightSource } from "../compiler/onnx/weights.js";
import { weightSource } from "../compiler/onnx/weights.js";
import { digestOfFile } from "./digest.js";
import type { ConfinedFile, Env } from "./env/env.js";

/** A tensor of the model and where its data are. */
export interface Placed {
  readonly name: string;
  readonly type: TensorType;
  readonly source: WeightSource;
}

type External = Placed & { readonly source: Extract<WeightSource, { kind: "external" }> };

/** Times that the bytes of a file may be read, over all tensors that lie in it; equal parts count once. */
const MOST_READS = 2;

/** All parameters of a graph. @throws MODEL_MALFORMED when the file gives one of them no value. */
export function placedParams({ graph, weights }: Pick<ImportedModel, "graph" | "weights">): readonly Placed[] {
  return graph.params.map(({ id, name, type }) => {
    const source = weights.get(id);
    if (source) return { name, type, source };
    throw new PipewrightError("MODEL_MALFORMED", `parameter ${formatName(name)}: the file gives it no value.`);
  });
}

/** All initializers of a file, for models of which the shapes are not known yet. @throws as the import does. */
export function placedInitializers({ graph }: ModelProto): readonly Placed[] {
  return (graph?.initializer ?? []).flatMap((tensor): Placed[] => {
    const where = `initializer ${formatName(tensor.name ?? "")}`;
    const type = tensorType(tensor, where);
    if (type.dtype === "string") return [];
    return [{ name: tensor.name ?? "", type, source: weightSource(tensor, type, where) }];
  });
}

/** A file of external data as it was found. */
export interface ExternalFound {
  readonly file: string;
  readonly bytes: number;
  /** Whether it has the SHA-1 that the model gives. "unread": that shows when weights are read. */
  readonly checksum: "none" | "matches" | "unread";
}

/** Files up to this size are read for a checksum before weights are needed. */
const CHECKED_EARLY_BYTES = 64 * 2 ** 20;

/**
 * Opens every file of external data once. Reads nothing of it but, where the model gives a checksum, small files.
 * `folder` is that of the model file, `model` its name there.
 * @throws MODEL_MALFORMED when one is no plain file of the model's folder, ends before a tensor does or has another
 * checksum; FILE when it is missing; LIMIT_EXCEEDED when tensors overlap so much that reading them would cost many times
 * the file.
 */
export async function checkExternalFiles(
  env: Env,
  folder: string,
  placed: readonly Placed[],
  model: string,
): Promise<readonly ExternalFound[]> {
  const found: ExternalFound[] = [];
  for (const [location, parts] of partsByFile(placed)) {
    if (location === model) throw refusal(location, parts, "the model file itself");
    await withFile(env, folder, location, parts, async (file) => {
      const isEarly = file.bytes <= CHECKED_EARLY_BYTES;
      const hasChecksum = isEarly ? await checkChecksum(file, location, parts) : checksumOf(parts) !== undefined;
      const checksum = hasChecksum ? (isEarly ? "matches" : "unread") : "none";
      found.push({ file: location, bytes: file.bytes, checksum });
    });
  }
  return found;
}

/**
 * The bytes of all tensors with external data, by name. Parts that are the same are read once. Files in `known` passed
 * their checksum already; those that pass it now are added. @throws as above.
 */
export async function readExternalFiles(
  env: Env,
  folder: string,
  placed: readonly Placed[],
  known = new Set<string>(),
): Promise<ReadonlyMap<string, Uint8Array>> {
  const bytes = new Map<string, Uint8Array>();
  for (const [location, parts] of partsByFile(placed)) {
    await withFile(env, folder, location, parts, async (file) => {
      if (!known.has(location)) await checkChecksum(file, location, parts);
      known.add(location);
      for (const sharers of parts.values()) {
        const { offset, length } = sharers[0]!.source;
        const read = await file.readRange(offset, length);
        for (const { name } of sharers) bytes.set(name, read);
      }
    });
  }
  return bytes;
}

/** Compares the file with the checksum that the model gives. False: it gives none. @throws MODEL_MALFORMED. */
async function checkChecksum(file: ConfinedFile, location: string, parts: Parts): Promise<boolean> {
  const named = checksumOf(parts);
  if (!named) return false;
  const { name, source } = named;
  const found = await digestOfFile(file, "sha1");
  if (found === source.checksum) return true;
  throw new PipewrightError(
    "MODEL_MALFORMED",
    `initializer ${formatName(name)}: external data ${formatName(location)}: the file was changed; got SHA-1 ${found}, expected ${source.checksum}. Copy the file again.`,
    { value: name, location },
  );
}

/** The first tensor of the file that gives a checksum. */
function checksumOf(parts: Parts): External | undefined {
  return [...parts.values()].flat().find(({ source }) => source.checksum !== undefined);
}

/** Tensors by the part that they share. */
type Parts = ReadonlyMap<string, readonly External[]>;

function partsByFile(placed: readonly Placed[]): ReadonlyMap<string, Parts> {
  const files = new Map<string, Map<string, External[]>>();
  for (const { source, ...tensor } of placed) {
    if (source.kind !== "external") continue;
    const parts = files.get(source.location) ?? new Map<string, External[]>();
    files.set(source.location, parts);
    const key = `${source.offset}+${source.length}`;
    const sharers = parts.get(key);
    if (sharers) sharers.push({ ...tensor, source });
    else parts.set(key, [{ ...tensor, source }]);
  }
  return files;
}

async function withFile(
  env: Env,
  folder: string,
  location: string,
  parts: Parts,
  use: (file: ConfinedFile) => Promise<void>,
): Promise<void> {
  const file = await openNamed(env, folder, location, placeOf(location, parts));
  if ("refused" in file) throw refusal(location, parts, file.refused);
  try {
    checkParts(file, location, parts);
    await use(file);
  } finally {
    await file.close();
  }
}

/** Names the file, and the first tensor that is in it. */
function placeOf(location: string, parts: Parts): string {
  const [[first]] = [...parts.values()] as unknown as [[External]];
  return `initializer ${formatName(first.name)}: external data ${formatName(location)}`;
}

function refusal(location: string, parts: Parts, what: string): PipewrightError {
  return new PipewrightError(
    "MODEL_MALFORMED",
    `${placeOf(location, parts)}: it is ${what}; expected a plain file in the model's folder. Copy the data next to the model.`,
    { location },
  );
}

async function openNamed(
  env: Env,
  folder: string,
  location: string,
  where: string,
): ReturnType<Env["files"]["openConfined"]> {
  try {
    return await env.files.openConfined(folder, location);
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    throw new PipewrightError(error.code, `${where}: ${error.message}`, { ...error.details, location });
  }
}

function checkParts({ bytes }: ConfinedFile, location: string, parts: Parts): void {
  let wanted = 0;
  for (const [{ name, source }] of parts.values() as Iterable<readonly [External]>) {
    wanted += source.length;
    if (source.offset + source.length <= bytes) continue;
    throw new PipewrightError(
      "MODEL_MALFORMED",
      `initializer ${formatName(name)}: external data ${formatName(location)}: the file ends early; got ${bytes} bytes, expected ${source.length} from byte ${source.offset}. Copy the whole file.`,
      { value: name, location },
    );
  }
  if (wanted <= MOST_READS * bytes) return;
  throw new PipewrightError(
    "LIMIT_EXCEEDED",
    `external data ${formatName(location)}: its tensors overlap too much; got ${wanted} bytes of different tensors, expected at most ${MOST_READS} times the ${bytes} bytes of the file. Give tensors that share data the same offset and length.`,
    { location },
  );
}
