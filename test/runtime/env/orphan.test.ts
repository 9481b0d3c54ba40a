/** @file Nothing is left behind when a parent is killed. */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compiledUrl } from "../../support/compiled.js";

const PARENT = fileURLToPath(compiledUrl("test/runtime/env/orphan-parent.js"));

/** Runs or sleeps; a process that nobody has collected yet (Z) does neither. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe.runIf(process.platform === "linux")("a parent that is killed", () => {
  it("takes along a child that blocks", async () => {
    const parent = fork(PARENT, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const childPid = await new Promise<number>((resolve) => {
      parent.on("message", (pid) => resolve(pid as number));
    });
    expect(isAlive(childPid)).toBe(true);
    parent.kill("SIGKILL");
    const deadlineMs = performance.now() + 10_000;
    while (isAlive(childPid) && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(isAlive(childPid)).toBe(false);
  });
});
