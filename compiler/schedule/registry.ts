/** @file All schedules by name, with the names that SageMaker and PyTorch give them. */
import { PipewrightError } from "../errors.js";
import { oneForwardOneBackwardV } from "./1f1b-v.js";
import { oneForwardOneBackward } from "./1f1b.js";
import type { Schedule } from "./action.js";
import { chimera } from "./chimera.js";
import { dualPipeV } from "./dualpipe-v.js";
import { dualPipe } from "./dualpipe.js";
import { eager1f1b } from "./eager-1f1b.js";
import { gpipe } from "./gpipe.js";
import { interleaved1f1b } from "./interleaved-1f1b.js";
import { interleavedZeroBubble } from "./interleaved-zb.js";
import { loopedBfs } from "./looped-bfs.js";
import type { ScheduleSize } from "./size.js";
import { vHalf } from "./v-half.js";
import { vMin } from "./v-min.js";
import { wave } from "./wave.js";
import { windowed1f1b } from "./windowed-1f1b.js";
import { zbH1 } from "./zb-h1.js";
import { zbH2 } from "./zb-h2.js";
import { zbV } from "./zb-v.js";

/** A schedule that can be asked for by name. */
export interface ScheduleEntry {
  readonly name: string;
  /** Other names, compared without case, "-", "_" and a leading "Schedule". */
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly build: (size: ScheduleSize) => Schedule;
}

/** In the order of help texts: simple ones first. */
export const SCHEDULES: readonly ScheduleEntry[] = [
  { name: "gpipe", aliases: ["simple", "fill-drain"], summary: "every forward, then every backward", build: gpipe },
  {
    name: "1f1b",
    aliases: ["pipedream-flush", "dapple"],
    summary: "one forward, one backward",
    build: oneForwardOneBackward,
  },
  { name: "eager-1f1b", aliases: [], summary: "1f1b with twice the warm-up, hides link latency", build: eager1f1b },
  {
    name: "windowed-1f1b",
    aliases: ["interleaved"],
    summary: "1f1b with a window of active microbatches (SageMaker's interleaved; default devices + 2)",
    build: windowed1f1b,
  },
  {
    name: "interleaved-1f1b",
    aliases: ["megatron-interleaved"],
    summary: "1f1b over several stages per device",
    build: interleaved1f1b,
  },
  {
    name: "looped-bfs",
    aliases: ["breadth-first"],
    summary: "gpipe on each stage of a device in turn",
    build: loopedBfs,
  },
  {
    name: "zb-h1",
    aliases: ["zb1p", "zero-bubble"],
    summary: "1f1b with W in the cool-down, same memory",
    build: zbH1,
  },
  { name: "zb-h2", aliases: ["zb2p"], summary: "no idle time inside a device, twice the memory", build: zbH2 },
  {
    name: "interleaved-zb",
    aliases: ["interleaved-zero-bubble"],
    summary: "interleaved 1f1b with W in the cool-down",
    build: interleavedZeroBubble,
  },
  { name: "zb-v", aliases: ["zbv-zero-bubble"], summary: "two stages per device, down and up again", build: zbV },
  { name: "v-half", aliases: [], summary: "half the memory of 1f1b on a V placement", build: vHalf },
  { name: "v-min", aliases: [], summary: "a third of the memory of 1f1b on a V placement", build: vMin },
  {
    name: "1f1b-v",
    aliases: ["v1f1b"],
    summary: "whole backwards on a V placement, two thirds of the memory",
    build: oneForwardOneBackwardV,
  },
  {
    name: "dualpipe",
    aliases: [],
    summary: "two copies of the model in opposite directions, overlapped",
    build: dualPipe,
  },
  { name: "dualpipe-v", aliases: [], summary: "dualpipe with one copy, down and up again", build: dualPipeV },
  {
    name: "chimera",
    aliases: ["chimera-direct"],
    summary: "two copies of the model in opposite directions",
    build: chimera,
  },
  { name: "wave", aliases: ["hanayo"], summary: "down and up the devices several times", build: wave },
];

/**
 * The schedule of this name or alias. "interleaved" is SageMaker's, one stage per device; PyTorch's and Megatron-LM's
 * is "interleaved-1f1b".
 * @throws USAGE for an unknown name (with the closest known one) and for sizes that the schedule cannot run.
 */
export function scheduleByName(name: string, size: ScheduleSize): Schedule {
  return scheduleEntry(name).build(size);
}

/** What is known of the schedule of this name or alias. @throws USAGE for an unknown name, with the closest known one. */
export function scheduleEntry(name: string): (typeof SCHEDULES)[number] {
  const wanted = plain(name);
  const entry = SCHEDULES.find((s) => [s.name, ...s.aliases].some((known) => plain(known) === wanted));
  if (entry) return entry;
  const known = SCHEDULES.flatMap((s) => [s.name, ...s.aliases]);
  const closest = known.reduce((best, other) =>
    distance(plain(other), wanted) < distance(plain(best), wanted) ? other : best,
  );
  throw new PipewrightError(
    "USAGE",
    `schedule: unknown name; got ${JSON.stringify(name)} expected one of ${SCHEDULES.map((s) => s.name).join(", ")}. Did you mean ${closest}?`,
    { name, closest },
  );
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/[-_ ]/g, "")
    .replace(/^schedule/, "");
}

/** Edit distance (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
  }
  return row[b.length]!;
}
