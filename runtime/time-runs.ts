/** @file The time of what runs on an engine: the least disturbed of several runs. */
import type { Buffer, Engine } from "./engine/engine.js";
import type { Clock } from "./env/env.js";

export interface Timing {
  /** Timed runs; the fastest counts, since everything that disturbs a run makes it slower. */
  readonly repeat: number;
  readonly clock: Clock;
}

/** Fastest of `repeat` runs, after one to warm up. */
export function fastestMs(run: () => void, { repeat, clock }: Timing): number {
  run();
  let fastest = Infinity;
  for (let turn = 0; turn < repeat; turn++) {
    const startMs = clock.nowMs();
    run();
    fastest = Math.min(fastest, clock.nowMs() - startMs);
  }
  return fastest;
}

/** The same for a graph that is loaded first. */
export function timeRuns(
  engine: Engine,
  model: Uint8Array,
  inputs: ReadonlyMap<string, Buffer>,
  outputs: ReadonlyMap<string, Buffer>,
  timing: Timing,
): number {
  const program = engine.load(model);
  const binding = program.bind(inputs, outputs);
  const ms = fastestMs(() => binding.run(), timing);
  binding.free();
  program.free();
  return ms;
}
