/** @file What programs take when several copies of them run at the same time, as on the devices of a run. */
import type { Binding } from "./engine/engine.js";
import type { Clock } from "./env/env.js";
import { median } from "./median.js";

/**
 * Median times of programs that run one after another, over and over, as on a device.
 *
 * A run of training is made of typical times, not of the shortest: a step ends with the last of many actions. So runs
 * are not made faster than they are either: as many copies as devices share memory, caches and the processor's clock.
 * @param programs the bindings of each program: the first one is timed, on this thread, while the others run.
 * @param repeat timed runs, after one to warm up.
 * @param turn awaited between runs; what it throws ends them.
 */
export async function timeRuns(
  programs: readonly (readonly Binding[])[],
  { repeat, clock, turn }: { readonly repeat: number; readonly clock: Clock; readonly turn?: () => Promise<void> },
): Promise<readonly number[]> {
  const times = programs.map((): number[] => []);
  for (let run = 0; run <= repeat; run++) {
    for (const [at, [timed, ...others]] of programs.entries()) {
      await turn?.();
      const company = others.map((binding) => binding.runAsync());
      const startMs = clock.nowMs();
      timed!.run();
      const ms = clock.nowMs() - startMs;
      await Promise.all(company);
      if (run > 0) times[at]!.push(ms);
    }
  }
  return times.map(median);
}
