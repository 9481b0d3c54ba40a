/**
 * @file Opens a file below a folder when somebody else chose the name.
 *
 * Every part of the path is looked at before opening, the last one is opened without following a link and without
 * waiting for a writer (a FIFO would block for ever), and what was opened is looked at again: the checks before it give
 * the reason, the check after it gives the safety, since names can change in between.
 */
import type { Stats } from "node:fs";
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import type { OpenFile, Refusal } from "./disk.js";
import { readFrom } from "./read-from.js";

/** As `Disk.openBelow`. Where the system shows no /proc, the real path is compared after opening instead. */
export async function openBelow(folder: string, path: string): Promise<OpenFile | Refusal> {
  const root = await fs.realpath(folder);
  const parts = path.split("/");
  for (const length of parts.keys()) {
    const found = await fs.lstat(join(root, ...parts.slice(0, length + 1)));
    const last = length === parts.length - 1;
    const refused = last ? whyNoFile(found) : whyNoFolder(found);
    if (refused) return { refused };
  }
  const wanted = join(root, ...parts);
  const handle = await openPlain(wanted);
  if ("refused" in handle) return handle;
  try {
    const opened = await handle.stat();
    const refused = whyNoFile(opened) ?? ((await realPath(handle, wanted, opened)) === wanted ? undefined : MOVED);
    if (refused) {
      await handle.close();
      return { refused };
    }
    return {
      bytes: opened.size,
      read: (offset, length) => readFrom(handle, offset, length),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const MOVED = "reached through a link that appeared while it was opened";
const LINK = "a symbolic link";

function whyNoFile(found: Stats): string | undefined {
  if (found.isSymbolicLink()) return LINK;
  if (found.isDirectory()) return "a directory";
  if (!found.isFile()) return "no regular file";
  return found.nlink > 1 ? `a hard link: the same file has ${found.nlink} names` : undefined;
}

function whyNoFolder(found: Stats): string | undefined {
  if (found.isSymbolicLink()) return "behind a symbolic link";
  return found.isDirectory() ? undefined : "below something that is no directory";
}

async function openPlain(path: string): Promise<fs.FileHandle | Refusal> {
  try {
    return await fs.open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ELOOP") return { refused: LINK };
    throw error;
  }
}

/** Where an open file really is; "" when that cannot be said, as when it was replaced meanwhile. */
async function realPath(handle: fs.FileHandle, path: string, opened: Stats): Promise<string> {
  if (process.platform === "linux") return fs.readlink(`/proc/self/fd/${handle.fd}`);
  const now = await fs.lstat(path);
  return now.ino === opened.ino && now.dev === opened.dev ? fs.realpath(path) : "";
}
