/**
 * @file Fuzzes the import: `fuzz [--seconds 120] [--seed 1] [--models FOLDER] [--json]`. Two processes change real models
 * byte by byte and field by field. Failures are minimised into fixtures/fuzz, which the tests run again.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { EXIT_CODE } from "../compiler/errors.js";
import { writeSeeds } from "./fuzz/seeds.js";

interface WorkerReport {
  readonly seeds: number;
  readonly executions: number;
  readonly worstMs: number;
  readonly peakBytes: number;
  /** Reason and bytes in base 64. */
  readonly failures: readonly (readonly [string, string])[];
}

const WORKERS = 2;
const MOST_BYTES = 400 * 2 ** 20;
const FIXTURES = fileURLToPath(new URL("../fixtures/fuzz/", import.meta.url));

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "120" },
    seed: { type: "string", default: "1" },
    models: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const own = mkdtempSync(join(tmpdir(), "pipewright-fuzz-"));
try {
  if (values.models === undefined) writeSeeds(own);
  const folder = values.models ?? own;
  const reports = await Promise.all(
    Array.from({ length: WORKERS }, (_, at) => runWorker(Number(values.seed) + at * 7919, folder)),
  );
  const failures = new Map(reports.flatMap((report) => report.failures));
  for (const base64 of failures.values()) keep(Buffer.from(base64, "base64"));
  const executions = reports.reduce((sum, report) => sum + report.executions, 0);
  const worstMs = Math.round(Math.max(...reports.map((report) => report.worstMs)));
  const peakMib = Math.round(Math.max(...reports.map(({ peakBytes }) => peakBytes)) / 2 ** 20);
  const tooLarge = peakMib * 2 ** 20 > MOST_BYTES;
  const { seeds } = reports[0]!;
  if (values.json) {
    console.log(
      JSON.stringify({
        seed: Number(values.seed),
        seeds,
        executions,
        worstMs,
        peakMib,
        failures: [...failures.keys()],
      }),
    );
  } else {
    for (const reason of failures.keys()) console.log(`failure: ${reason}`);
    console.log(
      `${executions} executions of ${seeds} models, worst ${worstMs} ms, largest ${peakMib} MiB, ${failures.size} failures`,
    );
  }
  process.exitCode = failures.size > 0 || tooLarge ? EXIT_CODE.VERIFY_MISMATCH : 0;
} finally {
  rmSync(own, { recursive: true, force: true });
}

function keep(bytes: Uint8Array): void {
  mkdirSync(FIXTURES, { recursive: true });
  writeFileSync(join(FIXTURES, `${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}.onnx`), bytes);
}

function runWorker(seed: number, folder: string): Promise<WorkerReport> {
  const entry = fileURLToPath(new URL("./fuzz/worker.ts", import.meta.url));
  const words = ["--import", "tsx", entry, String(seed), values.seconds, folder];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  return new Promise((resolve, reject) => {
    child.on("close", (code, signal) => {
      if (code === 0) resolve(JSON.parse(text) as WorkerReport);
      else reject(new Error(`a fuzzing process ended with ${signal ?? code}`));
    });
  });
}
