/** @file Kernel times by node, from the file that the library's profiler writes. */
import { z } from "zod";
import { invariant } from "../../../compiler/errors.js";
import type { NodeTimes } from "../engine.js";

const KERNEL = "_kernel_time";
const MS_PER_MICROSECOND = 1e-3;

const eventsForm = z.array(z.object({ cat: z.string(), name: z.string(), dur: z.number() }));

/**
 * The least time of each node over the runs that follow the warm-up, in milliseconds.
 *
 * The profiler counts whole microseconds, rounded down.
 *
 * @param text the profiler's file: JSON events, where a node's event is named `<node>_kernel_time`, in order of time.
 * @param warmups runs to leave out.
 * @param runs runs in all.
 */
export function leastNodeTimes(text: string, warmups: number, runs: number): NodeTimes {
  const microseconds = new Map<string, number[]>();
  for (const event of eventsForm.parse(JSON.parse(text))) {
    if (event.cat !== "Node" || !event.name.endsWith(KERNEL)) continue;
    const node = event.name.slice(0, -KERNEL.length);
    const times = microseconds.get(node);
    if (times) times.push(event.dur);
    else microseconds.set(node, [event.dur]);
  }
  const least = new Map<string, number>();
  for (const [node, times] of microseconds) {
    invariant(times.length === runs, `the profiler has ${times.length} times for node "${node}" of ${runs} runs`);
    least.set(node, Math.min(...times.slice(warmups)) * MS_PER_MICROSECOND);
  }
  return least;
}
