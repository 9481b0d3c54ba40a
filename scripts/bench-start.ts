/**
 * @file How much longer `pipewright --help` takes than Node alone, measured in turn. Requires: npm run build.
 * Usage: npm run -s bench:start -- [--json]
 */
import { execFileSync } from "node:child_process";

const ROUNDS = 15;
const MOST_MS = 150;

function timed(words: readonly string[]): number {
  const start = process.hrtime.bigint();
  execFileSync(process.execPath, words, { stdio: "ignore" });
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

const rounds = Array.from({ length: ROUNDS }, () => ({
  bareMs: timed(["-e", "0"]),
  helpMs: timed(["dist/runtime/cli/main.js", "--help"]),
}));
const bareMs = median(rounds.map((round) => round.bareMs));
const helpMs = median(rounds.map((round) => round.helpMs));
const overMs = helpMs - bareMs;
const isMet = overMs <= MOST_MS;
console.log(
  process.argv.includes("--json")
    ? JSON.stringify({ bareMs, helpMs, overMs, mostMs: MOST_MS, isMet })
    : `node ${bareMs.toFixed(0)} ms, --help ${helpMs.toFixed(0)} ms: ${overMs.toFixed(0)} ms more, at most ${MOST_MS} ms asked`,
);
process.exitCode = isMet ? 0 : 1;
