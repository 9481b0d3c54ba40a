/** @file The disk of this machine. */
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Disk, Entry, NewFile } from "./disk.js";
import { exchangeNames } from "./exchange.js";
import { systemCode } from "./file-error.js";
import { openBelow } from "./open-below.js";
import { MOST_BYTES_PER_CALL, readFrom } from "./read-from.js";

/** The disk of this machine. */
export const nodeDisk: Disk = {
  entry: async (path) => {
    try {
      const found = await fs.stat(path);
      const kind: Entry["kind"] = found.isFile() ? "file" : found.isDirectory() ? "directory" : "other";
      return { kind, bytes: found.size };
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "")) return undefined;
      throw error;
    }
  },
  read: async (path, offset, length) => {
    const handle = await fs.open(path, constants.O_RDONLY);
    try {
      return await readFrom(handle, offset, length);
    } finally {
      await handle.close();
    }
  },
  openBelow,
  create: async (path) => newFile(await fs.open(path, "wx")),
  rename: (from, to) => fs.rename(from, to),
  exchange: (one, other) => Promise.resolve(exchangeNames(one, other)),
  syncDirectory: async (path) => {
    if (process.platform !== "win32") await sync(path);
  },
  syncFile: sync,
  makeDirectory: async (path) => {
    // With `recursive`, Node tells ENOENT of a file system that is read-only.
    try {
      await fs.mkdir(path);
    } catch (error) {
      const code = systemCode(error);
      if (code === "EEXIST" && (await fs.stat(path)).isDirectory()) return;
      if (code !== "ENOENT") throw error;
      await fs.mkdir(path, { recursive: true });
    }
  },
  names: (path) => fs.readdir(path),
  remove: (path) => fs.rm(path, { recursive: true, force: true }),
  makeTemporary: (prefix) => fs.mkdtemp(join(tmpdir(), prefix)),
};

function newFile(handle: fs.FileHandle): NewFile {
  return {
    append: async (bytes) => {
      let written = 0;
      while (written < bytes.byteLength) {
        const wanted = Math.min(bytes.byteLength - written, MOST_BYTES_PER_CALL);
        written += (await handle.write(bytes, written, wanted)).bytesWritten;
      }
    },
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

async function sync(path: string): Promise<void> {
  const handle = await fs.open(path, process.platform === "win32" ? "r+" : "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
