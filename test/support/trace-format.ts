/**
 * @file What a Chrome trace must keep to, so that Perfetto and chrome://tracing show all of it.
 * Source: "Trace Event Format", sections "Complete events", "Flow events", "Counter events", "Metadata events".
 */

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid?: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  readonly bp?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A measured step is written in whole nanoseconds. */
const ROUNDING_US = 1e-3;

/** Everything that is wrong with the file, in sentences; empty if nothing is. */
export function traceProblems(text: string): readonly string[] {
  const { traceEvents: events } = JSON.parse(text) as { traceEvents: readonly TraceEvent[] };
  const problems: string[] = [];
  const tracks = new Map<string, TraceEvent[]>();
  for (const event of events) {
    const { ph, name, ts = NaN } = event;
    if (!["M", "X", "s", "f", "C"].includes(ph)) problems.push(`phase ${ph}`);
    if (typeof name !== "string" || name === "") problems.push(`no name at ${ts}`);
    if (ph !== "M" && !(ts >= 0)) problems.push(`${ph} ${name}: ts ${ts}`);
    if (ph !== "X") continue;
    if (!(event.dur! >= 0)) problems.push(`${name}: dur ${event.dur}`);
    const track = `${event.pid}/${event.tid}`;
    tracks.set(track, [...(tracks.get(track) ?? []), event]);
  }
  for (const [track, slices] of tracks) {
    if (!named(events, "thread_name", track)) problems.push(`track ${track} has no name`);
    if (!named(events, "process_name", track)) problems.push(`process of track ${track} has no name`);
    const sorted = slices.toSorted((a, b) => a.ts! - b.ts!);
    for (const [at, { ts }] of sorted.entries()) {
      const before = sorted[at - 1];
      if (before && before.ts! + before.dur! > ts! + ROUNDING_US)
        problems.push(`track ${track}: slices overlap at ${ts}`);
    }
  }
  const holds = ({ pid, tid, ts }: TraceEvent, isEndOpen: boolean): boolean =>
    (tracks.get(`${pid}/${tid}`) ?? []).some((slice) => {
      const endUs = slice.ts! + slice.dur!;
      return slice.ts! <= ts! && (isEndOpen ? ts! < endUs : ts! <= endUs);
    });
  const starts = new Map(events.filter(({ ph }) => ph === "s").map((event) => [event.id!, event]));
  const ends = events.filter(({ ph }) => ph === "f");
  if (starts.size !== ends.length) problems.push(`${starts.size} arrows start, ${ends.length} end`);
  for (const end of ends) {
    const start = starts.get(end.id!);
    if (!start) problems.push(`arrow ${end.id} has no start`);
    else if (start.ts! > end.ts! + ROUNDING_US) problems.push(`arrow ${end.id} goes back in time`);
    if (start && !holds(start, true)) problems.push(`arrow ${end.id} starts outside of slices`);
    if (end.bp !== "e" || !holds(end, false)) problems.push(`arrow ${end.id} ends outside of slices`);
  }
  for (const { ph, name, args = {} } of events)
    if (ph === "C" && !Object.values(args).every((value) => typeof value === "number" && value >= 0))
      problems.push(`counter ${name}: ${JSON.stringify(args)}`);
  return problems;
}

function named(events: readonly TraceEvent[], kind: string, track: string): boolean {
  const [pid, tid] = track.split("/").map(Number);
  return events.some(
    (event) =>
      event.ph === "M" && event.name === kind && event.pid === pid && (kind === "process_name" || event.tid === tid),
  );
}
