/** @file Nothing is left behind when a parent is killed. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compiledUrl } from "../../support/compiled.js";
import { isRunning, until } from "../../support/watched-workers.js";

const PARENT = fileURLToPath(compiledUrl("test/runtime/env/orphan-parent.js"));

describe.runIf(process.platform === "linux")("a parent that is killed", () => {
  it("takes along a child that blocks", async () => {
    const parent = fork(PARENT, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const childPid = await new Promise<number>((resolve) => {
      parent.on("message", (pid) => resolve(pid as number));
    });
    expect(isRunning(childPid)).toBe(true);
    parent.kill("SIGKILL");
    await until(() => !isRunning(childPid));
  });
});
