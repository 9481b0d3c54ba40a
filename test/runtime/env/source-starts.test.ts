/** @file Children start from TypeScript sources too, as scripts and benches do; all other tests run compiled modules. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

it.runIf(process.platform === "linux")("a program that runs from sources starts every kind of child", () => {
  const program = join(import.meta.dirname, "source-starts.ts");
  const output = execFileSync(process.execPath, ["--import", "tsx", program], { encoding: "utf8" });
  const ended = { code: 0, signal: null };
  expect(JSON.parse(output)).toEqual({ process: ended, thread: ended, isolated: 7, status: "optimal" });
});
