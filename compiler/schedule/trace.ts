/**
 * @file A timeline as Chrome trace JSON, for chrome://tracing and ui.perfetto.dev: a track per device, a slice per
 * action, an arrow per tensor that crosses devices. Format: Trace Event Format, Google.
 */
import { visible } from "../names.js";
import type { Schedule } from "./action.js";
import { formatAction } from "./action.js";
import { actionOf, flatten } from "./flat.js";
import type { Timeline } from "./simulate.js";

const PHASE_NAME = { F: "forward", B: "backward", I: "input gradient", W: "weight gradient" } as const;
/** An arrow belongs to the slice that holds its start, so it starts just before the slice ends. */
const INSIDE = 0.999;

/** Times in the file are microseconds. Requires: `timeline` is of this schedule. Cost: linear. */
export function chromeTrace(schedule: Schedule, timeline: Timeline): string {
  const flat = flatten(schedule);
  const atUs = (id: number, times: readonly Float64Array[]) => {
    const device = flat.device[id]!;
    return 1000 * times[device]![id - flat.rowStart[device]!]!;
  };
  const lines = [
    `{"ph":"M","pid":0,"tid":0,"name":"process_name","args":{"name":${visible(JSON.stringify(schedule.name))}}}`,
  ];
  for (let d = 0; d < schedule.devices; d++)
    lines.push(`{"ph":"M","pid":0,"tid":${d},"name":"thread_name","args":{"name":"device ${d}"}}`);
  for (let id = 0; id < flat.count; id++) {
    const action = actionOf(flat, id);
    const [device, startUs] = [flat.device[id]!, atUs(id, timeline.startMs)];
    const where = `"ph":"X","pid":0,"tid":${device},"ts":${startUs},"dur":${atUs(id, timeline.endMs) - startUs}`;
    const what = `"name":"${formatAction(action)}","cat":"${PHASE_NAME[action.phase]}"`;
    lines.push(`{${where},${what},"args":{"stage":${action.stage},"microbatch":${action.microbatch}}}`);
    for (let k = flat.needStart[id]!; k < flat.needStart[id + 1]!; k++) {
      const maker = flat.needs[k]!;
      if (flat.device[maker] === device) continue;
      const [madeFromUs, madeUs] = [atUs(maker, timeline.startMs), atUs(maker, timeline.endMs)];
      const sentUs = madeFromUs + INSIDE * (madeUs - madeFromUs);
      const arrow = `"pid":0,"id":${k},"name":"tensor","cat":"tensor"`;
      lines.push(`{"ph":"s",${arrow},"tid":${flat.device[maker]!},"ts":${sentUs}}`);
      lines.push(`{"ph":"f","bp":"e",${arrow},"tid":${device},"ts":${startUs}}`);
    }
  }
  return `{"displayTimeUnit":"ms","traceEvents":[\n${lines.join(",\n")}\n]}\n`;
}
