/** @file Directories that appear whole, and names that change for good: what checkpoints are kept with. */
import { dirname } from "node:path";
import type { Disk } from "./disk.js";
import type { Files } from "./env.js";
import { onFile } from "./file-error.js";

/** What files.ts takes from here. */
export type Publishing = Pick<Files, "makeLastingDirectory" | "publishDirectory" | "rename">;

/**
 * Every fsync here is needed, and no other is made: without one of them, some loss of power leaves a name without its
 * content or takes back what was reported as done (tried for each in test/faults).
 */
export function publishingOver(disk: Disk, temporaryName: (path: string) => string): Publishing {
  /** Parents that are missing, and the first one that is there. */
  const parentsOf = async (path: string): Promise<readonly string[]> => {
    const parent = dirname(path);
    if (parent === path || (await disk.entry(parent))) return [parent];
    return [...(await parentsOf(parent)), parent];
  };

  const makeLastingDirectory = (path: string): Promise<void> =>
    onFile(path, "be made", async () => {
      const parents = await parentsOf(path);
      await disk.makeDirectory(path);
      for (const parent of parents) await disk.syncDirectory(parent);
    });

  return {
    makeLastingDirectory,

    publishDirectory: (path, fill) =>
      onFile(path, "be written", async () => {
        const temporary = temporaryName(path);
        try {
          await disk.makeDirectory(temporary);
          await fill(async (name, bytes) => {
            const file = await disk.create(`${temporary}/${name}`);
            try {
              await file.append(bytes);
              await file.sync();
            } finally {
              await file.close();
            }
          });
          await disk.syncDirectory(temporary);
          await disk.rename(temporary, path);
        } catch (error) {
          // The failure of the write is the one to report.
          await disk.remove(temporary).catch(() => undefined);
          throw error;
        }
        await disk.syncDirectory(dirname(path));
      }),

    rename: (from, to) =>
      onFile(from, "be renamed", async () => {
        await disk.rename(from, to);
        await disk.syncDirectory(dirname(to));
      }),
  };
}
