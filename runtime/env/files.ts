/** @file Files over a disk: whole reads, and writes that a crash leaves old or new. */
import { constants } from "node:buffer";
import { basename, dirname, join } from "node:path";
import { PipewrightError } from "../../compiler/errors.js";
import type { Disk, Entry } from "./disk.js";
import type { Content, Files, Random } from "./env.js";
import { fileError, onFile } from "./file-error.js";
import { publishingOver } from "./publish.js";

/** Files over any disk. `random` makes the names of temporary files. */
export function filesOver(disk: Disk, random: Random): Files {
  const temporaryName = (path: string): string =>
    join(dirname(path), `.${basename(path)}.${Buffer.from(random.bytes(6)).toString("hex")}.tmp`);

  const file = async (path: string): Promise<Entry> => {
    const entry = await onFile(path, "be read", () => disk.entry(path));
    if (!entry)
      throw fileError(path, "be read", { what: "there is no such file or directory", advice: "Check the path." });
    if (entry.kind !== "file") throw notAFile(path, "be read", entry);
    return entry;
  };

  const readRange = async (path: string, offset: number, length: number): Promise<Uint8Array> => {
    const { bytes } = await file(path);
    if (offset + length > bytes) throw endsEarly(path, offset, length, bytes);
    if (length > constants.MAX_LENGTH) throw tooLong(path, length);
    const read = await onFile(path, "be read", () => disk.read(path, offset, length));
    if (read.byteLength !== length) throw endsEarly(path, offset, length, offset + read.byteLength);
    return read;
  };

  /** Cost: one fsync per file and directory. */
  const syncTree = async (directory: string): Promise<void> => {
    for (const name of await disk.names(directory)) {
      const path = join(directory, name);
      if ((await disk.entry(path))?.kind === "directory") await syncTree(path);
      else await disk.syncFile(path);
    }
    await disk.syncDirectory(directory);
  };

  return {
    ...publishingOver(disk, temporaryName),
    readRange,
    read: async (path) => readRange(path, 0, (await file(path)).bytes),
    openConfined: async (folder, path) => {
      const parts = path.split("/").filter((part) => part !== ".");
      if (parts.length === 0 || parts.some((part) => part === "" || part === ".." || part.includes("\0")))
        return { refused: "a path that may lead elsewhere" };
      const whole = join(folder, ...parts);
      const opened = await onFile(whole, "be read", () => disk.openBelow(folder, parts.join("/")));
      if ("refused" in opened) return opened;
      return {
        bytes: opened.bytes,
        close: () => onFile(whole, "be closed", () => opened.close()),
        readRange: async (offset, length) => {
          if (offset + length > opened.bytes) throw endsEarly(whole, offset, length, opened.bytes);
          if (length > constants.MAX_LENGTH) throw tooLong(whole, length);
          const read = await onFile(whole, "be read", () => opened.read(offset, length));
          if (read.byteLength !== length) throw endsEarly(whole, offset, length, offset + read.byteLength);
          return read;
        },
      };
    },
    size: async (path) => (await file(path)).bytes,
    exists: async (path) => (await onFile(path, "be looked up", () => disk.entry(path))) !== undefined,
    list: async (path) => [...(await onFile(path, "be listed", () => disk.names(path)))].sort(),
    makeDirectory: (path) => onFile(path, "be made", () => disk.makeDirectory(path)),
    remove: (path) => onFile(path, "be removed", () => disk.remove(path)),
    temporaryDirectory: () => onFile("temporary directory", "be made", () => disk.makeTemporary("pipewright-")),

    writeAtomic: (path, content) =>
      onFile(path, "be written", async () => {
        const temporary = temporaryName(path);
        const present = await disk.entry(path);
        if (present && present.kind !== "file") throw notAFile(path, "be written", present);
        try {
          await writeNew(disk, temporary, content);
          await disk.rename(temporary, path);
        } catch (error) {
          await discard(disk, temporary);
          throw error;
        }
        await disk.syncDirectory(dirname(path));
      }),

    writeDirectoryAtomic: (path, fill) =>
      onFile(path, "be written", async () => {
        const temporary = temporaryName(path);
        try {
          const present = await disk.entry(path);
          if (present && present.kind !== "directory") {
            throw fileError(path, "be written", {
              what: "it is a file, expected a directory",
              advice: "Remove it or use another path.",
            });
          }
          await disk.makeDirectory(temporary);
          await fill(temporary);
          await syncTree(temporary);
          if (present) await replace(disk, temporary, path);
          else await disk.rename(temporary, path);
        } catch (error) {
          await discard(disk, temporary);
          throw error;
        }
        await disk.syncDirectory(dirname(path));
      }),
  };
}

async function writeNew(disk: Disk, path: string, content: Content): Promise<void> {
  const created = await disk.create(path);
  try {
    if (typeof content === "string") await created.append(new TextEncoder().encode(content));
    else if (content instanceof Uint8Array) await created.append(content);
    else for await (const part of content) await created.append(part);
    await created.sync();
  } finally {
    await created.close();
  }
}

/**
 * Puts a directory in the place of another. Where the system cannot exchange two names at once, the old one steps aside
 * first, and a crash between the two renames leaves it beside `path` under the temporary name with ".old".
 */
async function replace(disk: Disk, temporary: string, path: string): Promise<void> {
  if (await disk.exchange(temporary, path)) {
    await disk.syncDirectory(dirname(path));
    await disk.remove(temporary);
    return;
  }
  const aside = `${temporary}.old`;
  await disk.rename(path, aside);
  try {
    await disk.rename(temporary, path);
  } catch (error) {
    await disk.rename(aside, path);
    throw error;
  }
  await disk.syncDirectory(dirname(path));
  await disk.remove(aside);
}

/** Removes what a failed write left. The write's own failure is the one to report, so one here is dropped. */
async function discard(disk: Disk, temporary: string): Promise<void> {
  await disk.remove(temporary).catch(() => undefined);
}

function notAFile(path: string, action: string, entry: Entry): PipewrightError {
  const what = entry.kind === "directory" ? "it is a directory, expected a file" : "it is no regular file";
  return fileError(path, action, { what, advice: "Give the path of a file." });
}

function tooLong(path: string, length: number): PipewrightError {
  return new PipewrightError(
    "LIMIT_EXCEEDED",
    `${path}: too long for an array of Node ${process.versions.node}; got ${length} bytes, expected at most ${constants.MAX_LENGTH}. Keep large tensors in external data, or use a newer Node.`,
    { path },
  );
}

function endsEarly(path: string, offset: number, length: number, bytes: number): PipewrightError {
  return new PipewrightError(
    "FILE",
    `${path}: the file ends early; got ${bytes} bytes, expected at least ${offset + length}. Make the file again.`,
    { path },
  );
}
