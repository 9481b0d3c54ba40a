/**
 * @file Compiles the sources to dist/ and makes the command executable. Runs on `npm ci` through `prepare`; npm runs
 * `prepare` again at the first `npx pipewright` in a checkout, so nothing is done when dist/ is newer than the sources.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const STAMP = "dist/.built";
const COMMAND = "dist/runtime/cli/main.js";
const SOURCES = ["compiler", "runtime", "models", "package.json", "tsconfig.json", "tsconfig.build.json"];

/** Latest change of a file or of anything in a folder, in ms. */
function changedMs(path) {
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(status.mtimeMs, ...readdirSync(path).map((name) => changedMs(join(path, name))));
}

const isFresh = existsSync(STAMP) && statSync(STAMP).mtimeMs > Math.max(...SOURCES.map(changedMs));
if (!isFresh) {
  const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  rmSync("dist", { recursive: true, force: true });
  execFileSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], { stdio: "inherit" });
  for (const assets of ["runtime/report/page", "runtime/torch-export/python"])
    cpSync(assets, join("dist", assets), { recursive: true });
  chmodSync(COMMAND, 0o755);
  writeFileSync(STAMP, "");
}
