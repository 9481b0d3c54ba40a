#!/usr/bin/env node
/** @file The command `pipewright`. The only file that ends the process, and the only one of the shell that sees it. */
import { readFileSync } from "node:fs";
import { COMMANDS } from "./commands/table.js";
import { runProgram } from "./program.js";
import type { Terminal } from "./terminal.js";

const DEFAULT_COLUMNS = 80;
const LEAST_COLUMNS = 40;

/** The version in package.json, which lies one folder higher for the built files. */
function version(): string {
  for (const path of ["../../package.json", "../../../package.json"]) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  throw new Error("internal: package.json is missing beside the installed files");
}

function realTerminal(): Terminal {
  const { env, stdout, stderr } = process;
  const wanted = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  return {
    write: (text) => void stdout.write(text),
    note: (text) => void stderr.write(text),
    isInteractive: stderr.isTTY === true && env.TERM !== "dumb",
    color: !env.NO_COLOR && (wanted || stdout.isTTY === true),
    columns: Math.max(LEAST_COLUMNS, stdout.columns || Number(env.COLUMNS) || DEFAULT_COLUMNS),
  };
}

/** The first signal asks for a clean stop; the second ends the process at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(signal);
    });
  }
  return controller.signal;
}

/** Ends when all output is written; a closed pipe, as of `| head`, is no error. */
function endWith(exitCode: number): void {
  process.exitCode = exitCode;
  process.stdout.write("", () => process.stderr.write("", () => process.exit(exitCode)));
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
    throw error;
  });
}
const exitCode = await runProgram(process.argv.slice(2), COMMANDS, {
  terminal: realTerminal(),
  version: version(),
  variables: process.env,
  makeEnv: async () => (await import("../env/node.js")).nodeEnv(),
  signal: abortOnSignals(),
});
endWith(exitCode);
