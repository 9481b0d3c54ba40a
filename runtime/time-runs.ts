/** @file The time of a graph on an engine. */
import type { Buffer, Engine } from "./engine/engine.js";
import type { Clock } from "./env/env.js";

/** Fastest of `repeat` runs, after one to warm up. */
export function timeRuns(
  engine: Engine,
  model: Uint8Array,
  inputs: ReadonlyMap<string, Buffer>,
  outputs: ReadonlyMap<string, Buffer>,
  { repeat, clock }: { readonly repeat: number; readonly clock: Clock },
): number {
  const program = engine.load(model);
  const binding = program.bind(inputs, outputs);
  binding.run();
  let fastestMs = Infinity;
  for (let run = 0; run < repeat; run++) {
    const startMs = clock.nowMs();
    binding.run();
    fastestMs = Math.min(fastestMs, clock.nowMs() - startMs);
  }
  binding.free();
  program.free();
  return fastestMs;
}
