/** @file Files of external data beside a model that is written: the same layout, never over a file of another model. */
import { PipewrightError } from "../compiler/errors.js";
import { decodeModel } from "../compiler/onnx/codec.js";
import { UNLIMITED } from "../compiler/onnx/limits.js";
import type { ExternalPatch } from "../compiler/onnx/write-back.js";
import type { Env } from "./env/env.js";
import type { Remain } from "./external-remains.js";
import { externalLocations, openIfThere } from "./external-remains.js";

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

/** Puts trained tensors and remains together. Tensors of the same bytes may share a stretch. */
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
      if (item.offset < at) {
        const isShared = item.offset === last.offset && Buffer.compare(item.bytes, last.bytes) === 0;
        if (!isShared && item.name !== undefined) displaced.push(item.name);
        continue;
      }
      parts.push(item.bytes);
      at = item.offset + item.bytes.length;
      last = item;
    }
    return { location, parts };
  });
  return { files, displaced };
}

/**
 * The names under which files can be written beside `out`: their own, or with the name of `out` in front where a file
 * is there that the model at `out` does not use.
 * @throws FILE when that name is taken too, or a folder on the way is a link.
 */
export async function freeLocations(
  env: Env,
  out: string,
  locations: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const folder = folderOf(out);
  const own = await locationsIn(env, out);
  const stem = out.slice(out.lastIndexOf("/") + 1).replace(/\.onnx$/, "");
  const free = new Map<string, string>();
  for (const location of locations) {
    const slash = location.lastIndexOf("/") + 1;
    const other = `${location.slice(0, slash)}${stem}.${location.slice(slash)}`;
    const candidates = [location, other];
    for (const candidate of candidates) {
      await refuseLinks(env, folder, candidate);
      if (own.has(candidate) || !(await env.files.exists(`${folder}/${candidate}`))) {
        free.set(location, candidate);
        break;
      }
    }
    if (free.has(location)) continue;
    throw new PipewrightError(
      "FILE",
      `${out}: its external data cannot be written; ${candidates.join(" and ")} are there and belong to other models. Write to another folder.`,
      { path: out },
    );
  }
  return free;
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

async function* inOrder(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield part;
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}

/** Files that the model at `path` uses; none where there is no model. */
async function locationsIn({ files }: Env, path: string): Promise<ReadonlySet<string>> {
  if (!(await files.exists(path))) return new Set();
  try {
    return externalLocations(decodeModel(await files.read(path), UNLIMITED));
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
