/**
 * @file Timelines as Chrome trace files, which Perfetto and chrome://tracing open.
 * Source: "Trace Event Format", complete events ("ph": "X"), times in microseconds.
 */
import type { TimelineRow } from "./timeline.js";

/** One track per row, one event per cell. */
export function chromeTrace(rows: readonly TimelineRow[]): string {
  const events = rows.flatMap(({ label, cells }, track) => [
    { name: "thread_name", ph: "M", pid: 0, tid: track, args: { name: label } },
    ...cells.map(({ phase, microbatch, startMs, endMs }) => ({
      name: `${phase}${microbatch}`,
      cat: phase,
      ph: "X",
      pid: 0,
      tid: track,
      ts: startMs * 1000,
      dur: (endMs - startMs) * 1000,
      args: { microbatch },
    })),
  ]);
  return `${JSON.stringify({ traceEvents: events, displayTimeUnit: "ms" })}\n`;
}
