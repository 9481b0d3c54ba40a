/**
 * @file Compiles the sources to dist/ and makes the command executable. Runs on `npm ci` through `prepare`.
 * In a checkout the command is also linked where npm puts those of dependencies; without that, the first
 * `npx pipewright` would install the checkout a second time, compilation included.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";

const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
rmSync("dist", { recursive: true, force: true });
execFileSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], { stdio: "inherit" });
const command = "dist/runtime/cli/main.js";
if (existsSync(command)) chmodSync(command, 0o755);
const linked = "node_modules/.bin/pipewright";
if (existsSync(command) && existsSync("node_modules/.bin") && process.platform !== "win32") {
  rmSync(linked, { force: true });
  symlinkSync(`../../${command}`, linked);
}
