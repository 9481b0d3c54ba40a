/** @file Files of external data beside a model that is written: the same layout, never over a file that is there. */
import { PipewrightError } from "../compiler/errors.js";
import { formatName } from "../compiler/names.js";
import type { ModelLimits } from "../compiler/onnx/limits.js";
import type { ExternalPatch } from "../compiler/onnx/write-back.js";
import type { Env } from "./env/env.js";
import type { Remain } from "./external-remains.js";
import { externalLocations, openIfThere } from "./external-remains.js";
import { readModelProto } from "./model-file.js";

/** A whole file: stretches without overlap, in order. */
export interface ExternalFile {
  readonly location: string;
  readonly parts: readonly Uint8Array[];
}

/** The files, and the parameters that have no place in them. */
export interface ExternalFiles {
  readonly files: readonly ExternalFile[];
  /** Parameters that shared bytes with another one and trained apart from it. */
  readonly displaced: readonly string[];
}

/**
 * Puts trained tensors and remains together. Tensors may share stretches as long as their bytes are the same; where they
 * differ, the tensor that begins first has its place.
 * @throws ARTEFACT_MISMATCH when they leave a gap, so do not belong together.
 */
export function assembled(remains: readonly Remain[], patches: readonly ExternalPatch[]): ExternalFiles {
  const displaced: string[] = [];
  const locations = new Set(remains.map(({ location }) => location));
  const files = [...locations].map((location): ExternalFile => {
    const all: readonly (Remain & { readonly name?: string })[] = [...remains, ...patches];
    const own = all.filter((item) => item.location === location);
    own.sort((a, b) => a.offset - b.offset || a.bytes.length - b.bytes.length);
    const parts: Uint8Array[] = [];
    let [at, last] = [0, own[0]!];
    for (const item of own) {
      if (item.offset > at) throw misplaced(location, at, item.offset);
      const held = at - item.offset;
      if (held > 0) {
        const shared = last.bytes.subarray(item.offset - last.offset).subarray(0, item.bytes.length);
        const isSame = Buffer.compare(item.bytes.subarray(0, shared.length), shared) === 0;
        if (!isSame && item.name !== undefined) displaced.push(item.name);
        if (item.bytes.length <= held) continue;
      }
      parts.push(item.bytes.subarray(held));
      at += item.bytes.length - held;
      last = item;
    }
    return { location, parts };
  });
  return { files, displaced };
}

/**
 * The names under which files can be written beside `out`, none of which is taken: their own, or with the name of `out`
 * in front. So the model that is at `out` keeps its data until the new one takes its place.
 * @throws FILE when a folder on the way is a link.
 */
export async function freeLocations(
  env: Env,
  out: string,
  locations: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const folder = folderOf(out);
  const free = new Map<string, string>();
  const given = new Set(locations);
  for (const location of locations) {
    await refuseLinks(env, folder, location);
    const isFree = async (name: string): Promise<boolean> =>
      (name === location || !given.has(name)) && !(await env.files.exists(`${folder}/${name}`));
    let name = location;
    for (let number = 1; !(await isFree(name)); number++) name = besideName(out, location, number);
    given.add(name);
    free.set(location, name);
  }
  return free;
}

/** "parts/w.bin" of "out/trained.onnx" is "parts/trained.w.bin", then "parts/trained.2.w.bin". */
function besideName(out: string, location: string, number: number): string {
  const slash = location.lastIndexOf("/") + 1;
  return `${location.slice(0, slash)}${stemOf(out)}${number === 1 ? "" : `${number}.`}${location.slice(slash)}`;
}

function stemOf(out: string): string {
  return `${out.slice(out.lastIndexOf("/") + 1).replace(/\.onnx$/, "")}.`;
}

/** Files that an earlier run named for the model at `out`, which is about to be replaced. */
export async function formerFiles(env: Env, out: string, limits: ModelLimits): Promise<readonly string[]> {
  const names = [...(await locationsIn(env, out, limits))];
  return names.filter((name) => name.slice(name.lastIndexOf("/") + 1).startsWith(stemOf(out)));
}

/** Removes files that nothing names any more. One that cannot be removed stays: the new model is whole without that. */
export async function removeFormer({ files }: Env, out: string, names: readonly string[]): Promise<void> {
  const folder = folderOf(out);
  for (const name of names) {
    const file = await openIfThere(files, folder, name);
    if (!file || "refused" in file) continue;
    await file.close();
    await files.remove(`${folder}/${name}`).catch(() => undefined);
  }
}

/** Writes the files beside `out`. Each appears whole or not at all. */
export async function writeExternalFiles(
  { files }: Env,
  out: string,
  contents: readonly ExternalFile[],
  names: ReadonlyMap<string, string>,
): Promise<void> {
  for (const { location, parts } of contents) {
    const path = `${folderOf(out)}/${names.get(location)!}`;
    await files.makeDirectory(folderOf(path));
    await files.writeAtomic(path, inOrder(parts));
  }
}

function misplaced(location: string, at: number, next: number): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `external data ${formatName(location)}: the plan lacks bytes of the file; got none from ${at} to ${next}. Make the plan again with \`pipewright partition\`.`,
    { location },
  );
}

async function* inOrder(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield part;
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}

/** Files that the model at `path` uses; none where there is no model, or none that we read. */
async function locationsIn(env: Env, path: string, limits: ModelLimits): Promise<ReadonlySet<string>> {
  if (!(await env.files.exists(path))) return new Set();
  try {
    return externalLocations(await readModelProto(env, path, limits));
  } catch (error) {
    if (error instanceof PipewrightError) return new Set();
    throw error;
  }
}

/** @throws FILE when the way to `location` leads through a link: the file would be written elsewhere. */
async function refuseLinks({ files }: Env, folder: string, location: string): Promise<void> {
  if (!location.includes("/") || !(await files.exists(`${folder}/${folderOf(location)}`))) return;
  const probe = await openIfThere(files, folder, location);
  if (!probe) return;
  if ("refused" in probe) {
    throw new PipewrightError(
      "FILE",
      `${folder}/${location}: external data cannot be written; it is ${probe.refused}, expected a plain path below the model's folder. Write to another folder.`,
      { path: location },
    );
  }
  await probe.close();
}
