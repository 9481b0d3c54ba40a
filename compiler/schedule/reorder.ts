/**
 * @file The search as a pass over a schedule: the same stages on the same devices in the order that suits their costs
 * best. For plans, whose stages are known only after a schedule has said what each device keeps.
 */
import { invariant } from "../errors.js";
import type { Schedule } from "./action.js";
import { boundOf } from "./bound.js";
import type { ScheduleCosts } from "./costs.js";
import { uniformCosts } from "./costs.js";
import { fuseBackwards } from "./fuse.js";
import { peakStash } from "./in-flight.js";
import { listSchedule } from "./list-schedule.js";
import { CounterRandom } from "./random.js";
import type { SearchOptions, SearchResult } from "./search.js";
import { searchSchedule } from "./search.js";
import type { ScheduleSize } from "./size.js";
import { interleaved1f1b } from "./interleaved-1f1b.js";
import { scheduleOf, tasksOf } from "./tasks.js";
import { zbH1 } from "./zb-h1.js";
import { zbH2 } from "./zb-h2.js";
import { zbV } from "./zb-v.js";

/** `capacity`: most stash of each device, in the units of `costs.stash`. Default: what the given schedule keeps. */
export interface ReorderOptions extends SearchOptions {
  readonly capacity?: readonly number[];
}

/**
 * Requires: a checked schedule of one copy of the model, and costs without overlap.
 * Ensures: a schedule in the form that plans run (canonical.ts), with the placement of the given one, no slower than
 * it if that fits, and with whole backwards wherever splitting gains nothing.
 * @throws PLAN_INFEASIBLE if the memory is too small for any schedule.
 */
export function reorder(schedule: Schedule, costs: ScheduleCosts, options: ReorderOptions = {}): SearchResult {
  const { devices, microbatches, placement } = schedule;
  const { capacity = peakStash(schedule, costs.stash), ...search } = options;
  const starts = [schedule, ...(search.starts ?? [])];
  const found = searchSchedule({ devices, microbatches, placement, costs, capacity }, { ...search, starts });
  return { ...found, schedule: fuseBackwards(found.schedule, costs) };
}

/**
 * The schedule that a search starts from when none is given, which decides placement and memory: linear for one stage
 * per device, a V for two, looped for more. @throws USAGE for sizes that it cannot run.
 */
export function searchStart(size: ScheduleSize): Schedule {
  const { stagesPerDevice = 1 } = size;
  if (stagesPerDevice === 1) return zbH1(size);
  return stagesPerDevice === 2 ? zbV(size) : interleaved1f1b(size);
}

/**
 * The same with twice the memory, which leaves more freedom to put weight gradients where a device would wait: ZB-H2 for
 * one stage per device, else a list schedule for equal times. Cf. ZB-1p and ZB-2p of Qi et al. 2023 (arXiv 2401.10241).
 * @throws USAGE as `searchStart`.
 */
export function roomySearchStart(size: ScheduleSize): Schedule {
  const { devices, microbatches, stagesPerDevice = 1 } = size;
  if (stagesPerDevice === 1) return zbH2(size);
  const { stages, placement, ...narrow } = searchStart(size);
  const capacity = peakStash({ stages, placement, ...narrow }).map((stash) => 2 * stash);
  const tasks = tasksOf({ devices, microbatches, placement, costs: uniformCosts(stages), capacity });
  const options = { capacity, tailMs: boundOf(tasks).tailMs, noise: 0, random: new CounterRandom(0) };
  const rows = listSchedule(tasks, options);
  invariant(rows, "a list schedule has too little memory where a schedule with half as much exists");
  return scheduleOf(tasks, rows, "search-2x");
}
