/** @file Files of this machine beyond the contract: things that are no files, and those past what an array can hold. */
import { constants } from "node:buffer";
import { stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeFiles } from "../../../runtime/env/node-files.js";

const files = nodeFiles();

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await files.temporaryDirectory();
  try {
    await use(directory);
  } finally {
    await files.remove(directory);
  }
}

describe.runIf(process.platform === "linux")("files of Linux", () => {
  it("leaves a device alone, also through a link", () =>
    inDirectory(async (directory) => {
      const link = join(directory, "null");
      await symlink("/dev/null", link);
      await expect(files.writeAtomic(link, "1")).rejects.toThrow("it is no regular file");
      await expect(files.read("/dev/zero")).rejects.toThrow("it is no regular file");
      expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
    }));

  it("says that links go in a circle", () =>
    inDirectory(async (directory) => {
      await symlink("b", join(directory, "a"));
      await symlink("a", join(directory, "b"));
      await expect(files.read(join(directory, "a"))).rejects.toThrow("symbolic links go in a circle");
    }));

  it("reads parts of a file that is longer than an array", () =>
    inDirectory(async (directory) => {
      const path = join(directory, "long");
      await writeFile(path, "");
      const bytes = constants.MAX_LENGTH < 2 ** 33 ? constants.MAX_LENGTH + 1 : 1;
      await truncate(path, bytes);
      expect(await files.size(path)).toBe(bytes);
      expect(await files.readRange(path, bytes - 1, 1)).toEqual(Uint8Array.of(0));
      if (bytes > constants.MAX_LENGTH) {
        await expect(files.read(path)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
      }
    }));
});
