/** @file How Node starts our modules: as they are when built, through tsx when run from TypeScript sources. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { WorkerOptions } from "node:worker_threads";
import { Worker } from "node:worker_threads";

const FROM_SOURCES = import.meta.url.endsWith(".ts");

/** URL of a module of ours, named as imports name it: with ".js", which is ".ts" when we run from sources. */
export function moduleUrl(name: string, from: string): string {
  return new URL(FROM_SOURCES ? name.replace(/\.js$/, ".ts") : name, from).href;
}

/** The first module of a child process, and the options of Node under which it and `entry` run. */
export function processMain(entry: string): { readonly main: URL; readonly options: readonly string[] } {
  const needsTsx = FROM_SOURCES || entry.endsWith(".ts");
  return {
    main: new URL(moduleUrl("./process-main.js", import.meta.url)),
    options: needsTsx ? ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href] : [],
  };
}

/** A worker thread that begins with a module beside this one. Node gives threads no loader options, so sources are loaded by one that loads tsx. */
export function startThread(name: string, options: WorkerOptions): Worker {
  const main = moduleUrl(name, import.meta.url);
  const own = { ...options, execArgv: [] };
  if (!FROM_SOURCES) return new Worker(new URL(main), own);
  return new Worker(new URL("./thread-source.mjs", import.meta.url), { ...own, argv: [main] });
}
