/** @file Compiles the sources to dist/ and makes the command executable. Runs on `npm ci` through `prepare`. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, rmSync } from "node:fs";
import { createRequire } from "node:module";

const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
rmSync("dist", { recursive: true, force: true });
execFileSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], { stdio: "inherit" });
const command = "dist/runtime/cli/main.js";
if (existsSync(command)) chmodSync(command, 0o755);
