/** @file CPU time of programs, measured in turns so that what else the machine does falls on all of them. */
import type { Binding } from "../../runtime/engine/engine.js";

/** CPU time spent on each program, rounds at least, and CPU time of one sample at least. */
const BUDGET_MS = 400;
const LEAST_ROUNDS = 9;
const SAMPLE_MS = 1;
const WARMUPS = 2;

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function sampleOf(binding: Binding, runs: number): number {
  const before = cpuMs();
  for (let run = 0; run < runs; run++) binding.run();
  return cpuMs() - before;
}

/** The clock is too coarse for one run of a small program. */
function runsPerSample(binding: Binding): number {
  for (let run = 0; run < WARMUPS; run++) binding.run();
  let runs = 1;
  while (sampleOf(binding, runs) < SAMPLE_MS) runs *= 2;
  return runs;
}

/** Least CPU milliseconds of one run of each, in rounds over all. */
export function leastCpuMs(bindings: readonly Binding[]): readonly number[] {
  const runs = bindings.map(runsPerSample);
  const least = bindings.map(() => Infinity);
  for (let round = 0, spent = 0; round < LEAST_ROUNDS || spent < BUDGET_MS * bindings.length; round++) {
    for (const [at, binding] of bindings.entries()) {
      const own = sampleOf(binding, runs[at]!);
      least[at] = Math.min(least[at]!, own / runs[at]!);
      spent += own;
    }
  }
  return least;
}
