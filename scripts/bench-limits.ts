/**
 * @file What hostile and very large models cost: `bench-limits [--json] [--filter TEXT]`. Each is made here, goes through
 * the built command (`pipewright inspect`) three times as a process of its own, and the best run counts: a whole
 * process, its start included, but for the bombs of some hundred bytes, of which the time of an empty file is taken
 * off: the best of runs in turns with theirs.
 * Exits with 11 when one is over its bound. Run it on a quiet machine.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EXIT_CODE } from "../compiler/errors.js";
import type { LimitCase } from "./bad/limit-cases.js";
import { LIMIT_CASES } from "./bad/limit-cases.js";
import type { CommandRun } from "./bad/run-command.js";
import { BUILT_COMMAND, runCommand } from "./bad/run-command.js";

const REPEATS = 3;

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, filter: { type: "string", default: "" } },
});
const folder = mkdtempSync(join(tmpdir(), "pipewright-limits-"));
try {
  const empty = join(folder, "empty.onnx");
  writeFileSync(empty, "");
  const results = [];
  for (const one of LIMIT_CASES.filter(({ name }) => name.includes(values.filter)))
    results.push(await measure(one, empty));
  if (values.json) console.log(JSON.stringify({ cases: results }));
  const failed = results.filter(({ ok }) => !ok);
  if (!values.json) console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length > 0 ? EXIT_CODE.VERIFY_MISMATCH : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure({ name, make, exitCode, mostMs, mostBytes, withoutStart }: LimitCase, empty: string) {
  const path = join(folder, "model.onnx");
  const bytes = make();
  writeFileSync(path, bytes);
  const runs: CommandRun[] = [];
  const starts: CommandRun[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    if (withoutStart) starts.push(await runCommand(BUILT_COMMAND, ["inspect", empty], folder));
    runs.push(await runCommand(BUILT_COMMAND, ["inspect", path], folder));
  }
  const ms = Math.round(leastMs(runs) - (withoutStart ? leastMs(starts) : 0));
  const peakBytes = Math.min(...runs.map(({ seen }) => seen?.peakBytes ?? Infinity));
  const ok = ms <= mostMs && peakBytes <= mostBytes && runs.every((run) => run.exitCode === exitCode);
  const mb = Math.round(peakBytes / 1e6);
  if (!values.json) {
    const said = `exit code ${runs[0]!.exitCode}, ${ms} of ${mostMs} ms, ${mb} of ${mostBytes / 1e6} MB`;
    console.log(`${ok ? "ok" : "OVER"}  ${name} (${bytes.length} bytes): ${said}`);
  }
  return { name, bytes: bytes.length, exitCode: runs[0]!.exitCode, ms, mostMs, mb, mostMb: mostBytes / 1e6, ok };
}

function leastMs(runs: readonly CommandRun[]): number {
  return Math.min(...runs.map(({ ms }) => ms));
}
