/** @file Runs the real command on one file, watched. */
import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

/** What `watch.mjs` saw. */
export interface Seen {
  readonly peakBytes: number;
  readonly cpuMs: number;
  /** Time in which it could have run, but other programs had the cores. */
  readonly waitedMs: number;
  /** Files that were opened, where they really are. */
  readonly opened: readonly string[];
  /** Children, threads, connections. */
  readonly forbidden: readonly string[];
  /** Timers, sockets and the like that were still there at the end. */
  readonly active: readonly string[];
}

/** One run. */
export interface CommandRun {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From start to end, without the time that other programs took the cores. */
  readonly ms: number;
  /** Undefined when the process was killed. */
  readonly seen: Seen | undefined;
}

const WATCH = new URL("./watch.mjs", import.meta.url).href;
const KILL_AFTER_MS = 30_000;

/** Runs `node COMMAND …words` in `directory` and waits for its end; kills it after 30 s. */
export function runCommand(command: string, words: readonly string[], directory: string): Promise<CommandRun> {
  const startMs = performance.now();
  const child = spawn(process.execPath, ["--import", WATCH, command, ...words], {
    cwd: directory,
    env: { PATH: process.env.PATH, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    timeout: KILL_AFTER_MS,
    killSignal: "SIGKILL",
  });
  const collect = (stream: NodeJS.ReadableStream): { text: string } => {
    const all = { text: "" };
    stream.setEncoding("utf8").on("data", (part: string) => (all.text += part));
    return all;
  };
  const [stdout, stderr, seen] = [1, 2, 3].map((at) => collect(child.stdio[at] as NodeJS.ReadableStream));
  return new Promise((resolve) => {
    child.on("close", (exitCode, signal) => {
      const wallMs = performance.now() - startMs;
      const found = seen!.text === "" ? undefined : (JSON.parse(seen!.text) as Seen);
      resolve({
        exitCode,
        signal,
        stdout: stdout!.text,
        stderr: stderr!.text,
        ms: wallMs - (found?.waitedMs ?? 0),
        seen: found,
      });
    });
  });
}

/** The command as `npm run build` makes it. */
export const BUILT_COMMAND = fileURLToPath(new URL("../../dist/runtime/cli/main.js", import.meta.url));
