/**
 * @file Faults at every system call of a program that saves checkpoints: it is killed there, or the call fails. What was
 * acknowledged is there afterwards, and nothing damaged is visible. Needs strace 5.3 or newer.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CheckpointStore, readCheckpoint } from "../../runtime/checkpoint/store.js";
import { nodeFiles } from "../../runtime/env/node-files.js";
import { IS_WHOLE, report } from "./size.js";

const HAS_STRACE = spawnSync("strace", ["-V"]).status === 0;
if (!HAS_STRACE) report("system calls: skipped, because strace is not installed (apt-get install strace)");

/** Calls that a fault is put into, with the error that each may give. */
const CALLS = {
  mkdir: "EACCES",
  openat: "EMFILE",
  write: "ENOSPC",
  fsync: "EIO",
  close: "EIO",
  rename: "EIO",
  unlink: "EIO",
  rmdir: "EIO",
  getdents64: "EIO",
} as const;
const STEPS = IS_WHOLE ? 5 : 3;
/** Programs that run at once: each of them waits for the disk half of its time. */
const RUNS_PER_CORE = 2;

type Call = keyof typeof CALLS;

interface Fault {
  readonly call: Call;
  /** Counts from 1 over all calls of the process. */
  readonly at: number;
  readonly effect: "signal=SIGKILL" | `error=${string}`;
}

/** Near node_modules, where the program finds what is not in it. */
const CACHE = join(import.meta.dirname, "../../node_modules/.cache");

let folder: string;
let built: string;
let program: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pipewright-faults-"));
  mkdirSync(CACHE, { recursive: true });
  built = mkdtempSync(join(CACHE, "pipewright-saving-child-"));
  program = join(built, "saving-child.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "saving-child.ts")],
    outfile: program,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    external: ["koffi"],
    logLevel: "error",
  });
});
afterAll(() => {
  for (const path of [folder, built]) rmSync(path, { recursive: true, force: true });
});

interface Ended {
  readonly stdout: string;
  readonly trace: string;
}

function run(root: string, options: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    // With a filter in the kernel, so that only calls of the kind in question stop for strace.
    const settings = ["-f", "--seccomp-bpf", "-qq", "-y", ...options];
    const child = spawn("strace", [...settings, process.execPath, program, root, String(STEPS)]);
    let stdout = "";
    let trace = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (trace += text.toString()));
    child.on("close", () => resolve({ stdout, trace }));
  });
}

/** Which calls of each kind touch the checkpoints, counted over the whole process. */
async function callsOn(root: string): Promise<readonly Pick<Fault, "call" | "at">[]> {
  const calls: Pick<Fault, "call" | "at">[] = [];
  for (const call of Object.keys(CALLS) as Call[]) {
    const { trace } = await run(join(root, call), ["-e", `trace=${call}`]);
    const lines = trace.split("\n").filter((line) => new RegExp(`\\b${call}\\(`).test(line));
    calls.push(...lines.flatMap((line, position) => (line.includes(root) ? [{ call, at: position + 1 }] : [])));
  }
  return calls;
}

/** What is wrong after a run with a fault; undefined: nothing. */
async function violation(root: string, stdout: string): Promise<string | undefined> {
  const acknowledged = Math.max(0, ...[...stdout.matchAll(/^SAVED (\d+)$/gm)].map(([, step]) => Number(step)));
  const files = nodeFiles();
  const store = new CheckpointStore(files, root);
  await store.open();
  const { checkpoint } = await store.newest();
  const step = checkpoint?.state.step ?? 0;
  if (step < acknowledged) return `step ${acknowledged} was acknowledged, step ${step} is there`;
  for (const visible of await store.steps()) {
    const read = await readCheckpoint(files, store.pathOf(visible)).catch((error: Error) => error.message);
    if (typeof read === "string") return `a damaged checkpoint is visible: ${read}`;
  }
  const left = (await files.list(root)).filter((name) => name.startsWith("."));
  return left.length > 0 ? `${left.join(", ")} is left after the next start` : undefined;
}

describe.runIf(HAS_STRACE)("checkpoints and faults of the system", () => {
  it("lose nothing that was acknowledged, at every call", { timeout: 900_000 }, async () => {
    const calls = await callsOn(join(folder, "plain"));
    const all = calls.flatMap(({ call, at }): readonly Fault[] => [
      { call, at, effect: "signal=SIGKILL" },
      { call, at, effect: `error=${CALLS[call]}` },
    ]);
    const faults = IS_WHOLE ? all : all.filter((_, position) => position % Math.ceil(all.length / 12) === 0);
    const violations: string[] = [];
    const waiting = [...faults.entries()];
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        const [number, { call, at, effect }] = next;
        const root = join(folder, `fault-${number}`);
        const { stdout } = await run(root, ["-e", `trace=${call}`, "-e", `inject=${call}:${effect}:when=${at}`]);
        const what = await violation(root, stdout);
        if (what !== undefined) violations.push(`${call} ${at} ${effect}: ${what}`);
        rmSync(root, { recursive: true, force: true });
      }
    };
    await Promise.all(Array.from({ length: RUNS_PER_CORE * availableParallelism() }, work));
    report(`system calls: ${faults.length} faults put in, ${violations.length} violations`);
    expect(violations).toEqual([]);
    expect(faults.length).toBeGreaterThanOrEqual(IS_WHOLE ? 360 : 10);
  });
});
