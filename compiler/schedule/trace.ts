/**
 * @file A timeline as Chrome trace JSON, for chrome://tracing and ui.perfetto.dev: a track per device, a slice per
 * action, an arrow per tensor that crosses devices. Format: Trace Event Format, Google.
 */
import type { Schedule } from "./action.js";
import { formatAction } from "./action.js";
import { actionOf, flatten } from "./flat.js";
import type { Timeline } from "./simulate.js";

const PHASE_NAME = { F: "forward", B: "backward", I: "input gradient", W: "weight gradient" } as const;
const PROCESS = 0;

/** Times in the file are microseconds. Requires: `timeline` is of this schedule. Cost: linear. */
export function chromeTrace(schedule: Schedule, timeline: Timeline): string {
  const flat = flatten(schedule);
  const lines: string[] = [
    event({ ph: "M", pid: PROCESS, tid: 0, name: "process_name", args: { name: schedule.name } }),
  ];
  const at = (id: number, times: readonly Float64Array[]) => {
    const device = flat.device[id]!;
    return 1000 * times[device]![id - flat.rowStart[device]!]!;
  };
  for (let tid = 0; tid < schedule.devices; tid++)
    lines.push(event({ ph: "M", pid: PROCESS, tid, name: "thread_name", args: { name: `device ${tid}` } }));
  for (let id = 0; id < flat.count; id++) {
    const action = actionOf(flat, id);
    const [tid, ts] = [flat.device[id]!, at(id, timeline.startMs)];
    const dur = at(id, timeline.endMs) - ts;
    const { stage, microbatch } = action;
    lines.push(
      event({
        ph: "X",
        pid: PROCESS,
        tid,
        ts,
        dur,
        name: formatAction(action),
        cat: PHASE_NAME[action.phase],
        args: { stage, microbatch },
      }),
    );
    for (let k = flat.needStart[id]!; k < flat.needStart[id + 1]!; k++) {
      const maker = flat.needs[k]!;
      if (flat.device[maker] === tid) continue;
      const [start, end] = [at(maker, timeline.startMs), at(maker, timeline.endMs)];
      const arrow = { pid: PROCESS, id: k, name: "tensor", cat: "tensor" };
      lines.push(event({ ...arrow, ph: "s", tid: flat.device[maker]!, ts: start + 0.999 * (end - start) }));
      lines.push(event({ ...arrow, ph: "f", bp: "e", tid, ts }));
    }
  }
  return `{"displayTimeUnit":"ms","traceEvents":[\n${lines.join(",\n")}\n]}\n`;
}

function event(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(fields);
}
