import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nodeFiles } from "../../runtime/env/node-files.js";

const root = mkdtempSync(join(tmpdir(), "pipewright-confined-"));
const folder = join(root, "model");
afterAll(() => rmSync(root, { recursive: true }));
mkdirSync(join(folder, "sub"), { recursive: true });
writeFileSync(join(root, "secret.bin"), "secret");
writeFileSync(join(folder, "good.bin"), "0123456789");
writeFileSync(join(folder, "sub", "deep.bin"), "deep");
writeFileSync(join(folder, "named-twice.bin"), "x");
symlinkSync("../secret.bin", join(folder, "link.bin"));
symlinkSync("good.bin", join(folder, "inner-link.bin"));
symlinkSync("..", join(folder, "up"));
linkSync(join(folder, "named-twice.bin"), join(root, "other-name.bin"));
symlinkSync(folder, join(root, "alias"));

const files = nodeFiles();

describe.runIf(process.platform === "linux")("a file that a model names", () => {
  it.each(["good.bin", "./good.bin", "sub/deep.bin"])("is opened at %j", async (path) => {
    const file = await files.openConfined(folder, path);
    if ("refused" in file) throw new Error(file.refused);
    expect(file.bytes).toBeGreaterThan(0);
    expect((await file.readRange(1, 2)).byteLength).toBe(2);
    await expect(file.readRange(0, file.bytes + 1)).rejects.toMatchObject({ code: "FILE" });
    await file.close();
  });

  it("is opened when the user's own path to the folder is a link", async () => {
    const file = await files.openConfined(join(root, "alias"), "good.bin");
    expect("refused" in file).toBe(false);
    if (!("refused" in file)) await file.close();
  });

  it.each([
    ["link.bin", "a symbolic link"],
    ["inner-link.bin", "a symbolic link"],
    ["up/secret.bin", "behind a symbolic link"],
    ["named-twice.bin", "a hard link: the same file has 2 names"],
    ["sub", "a directory"],
    ["good.bin/x", "below something that is no directory"],
    ["../secret.bin", "a path that may lead elsewhere"],
    ["sub/../../secret.bin", "a path that may lead elsewhere"],
    ["/etc/passwd", "a path that may lead elsewhere"],
    ["good.bin\0.txt", "a path that may lead elsewhere"],
    ["", "a path that may lead elsewhere"],
  ])("is refused at %j", async (path, refused) => {
    expect(await files.openConfined(folder, path)).toEqual({ refused });
  });

  it("is refused at once when it is a pipe that nobody writes to", async () => {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    expect(await files.openConfined(folder, "pipe")).toEqual({ refused: "no regular file" });
  });

  it("is FILE when it is missing", async () => {
    await expect(files.openConfined(folder, "none.bin")).rejects.toMatchObject({ code: "FILE" });
  });
});
