/** @file A real disk that is full, and one that is read-only: a small file system in memory. Needs the right to mount. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { modelFile } from "../../models/file.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { readPlan, writePlan } from "../../runtime/plan/directory.js";
import { compileTiny, TINY_MLP } from "../support/tiny-models.js";
import { startWeights } from "../support/training.js";
import { report } from "./size.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-full-"));
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]).status === 0;
if (!isMounted) report("full disk: skipped, because a file system cannot be mounted here");
afterAll(() => {
  if (isMounted) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true });
});

describe.runIf(isMounted)("a plan directory", () => {
  const env = nodeEnv();
  const plan = join(folder, "plan");
  const write = async (microbatches: number): Promise<unknown> => {
    const compiled = await compileTiny(TINY_MLP, { microbatches });
    return writePlan(env, plan, { ...compiled, weights: startWeights(TINY_MLP), model: modelFile(TINY_MLP.built) });
  };

  it("stays as it was when the disk is full or read-only", async () => {
    await write(2);
    const before = readFileSync(join(plan, "plan.json"), "utf8");
    writeFileSync(join(folder, "rest"), new Uint8Array(0));
    for (let size = 256 * 1024; size >= 512; size /= 2) {
      try {
        writeFileSync(join(folder, `rest-${size}`), new Uint8Array(size));
      } catch {
        continue;
      }
    }
    await expect(write(4)).rejects.toMatchObject({
      code: "FILE",
      message: expect.stringContaining("the disk is full") as string,
    });
    expect(spawnSync("mount", ["-o", "remount,ro", folder]).status).toBe(0);
    await expect(write(4)).rejects.toMatchObject({
      code: "FILE",
      message: expect.stringContaining("the file system is read-only") as string,
    });
    expect(readFileSync(join(plan, "plan.json"), "utf8")).toBe(before);
    expect((await readPlan(env, plan)).microbatches).toBe(2);
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
  });
});
