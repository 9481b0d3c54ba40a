/** @file How Node starts our modules: as they are when built, through tsx when run from TypeScript sources. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const FROM_SOURCES = import.meta.url.endsWith(".ts");

/** The first module of a child process, and the options of Node under which it and `entry` run. */
export function processMain(entry: string): { readonly main: URL; readonly options: readonly string[] } {
  const needsTsx = FROM_SOURCES || entry.endsWith(".ts");
  return {
    main: new URL(FROM_SOURCES ? "./process-main.ts" : "./process-main.js", import.meta.url),
    options: needsTsx ? ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href] : [],
  };
}

/** The first module of a worker thread. Node gives threads no loader options, so from sources it is one that loads tsx. */
export function threadMain(): URL {
  return new URL(FROM_SOURCES ? "./thread-source.mjs" : "./thread-main.js", import.meta.url);
}
