/** @file A candidate for a plan: how it is scheduled, on which devices in which order, and what runs again. */
import { PipewrightError } from "../errors.js";
import type { Schedule } from "../schedule/action.js";
import { canonicalSchedule } from "../schedule/canonical.js";
import { checkSchedule } from "../schedule/check.js";
import { inFlight } from "../schedule/in-flight.js";
import { scheduleByName } from "../schedule/registry.js";
import type { ScheduleSize } from "../schedule/size.js";
import { roomySearchStart, searchStart } from "../schedule/reorder.js";

/** Which forward passes run again in the backward pass: none, all, or as many as memory asks for. */
export type Recompute = "none" | "auto" | "all";

/** How the pipeline runs. */
export interface PipelineOptions {
  /**
   * By name, see schedule/registry.ts; "search", which finds an order for the stages once they are cut, or "search-2x",
   * which may keep twice as many microbatches for that; or "auto", which
   * tries schedules, stages per device, placements, orders of devices and what runs again.
   */
  readonly schedule: string;
  readonly microbatches: number;
  readonly stagesPerDevice?: number;
  /** Most microbatches in flight, for schedules with a window. */
  readonly window?: number;
  /** Most microbatches that a stage may keep at once. Left out: what the schedule needs. */
  readonly maxInFlight?: number;
  /** Default: none; with the schedule "auto", what is fastest within memory. */
  readonly recompute?: Recompute;
}

export interface Candidate {
  readonly schedule: string;
  readonly stagesPerDevice?: number;
  readonly recompute: Recompute;
  /** Places in the cluster of the devices of the pipeline, first to last. */
  readonly order: readonly number[];
}

/** What orders that are searched start from, by name: that decides placement and memory. */
const SEARCH_STARTS: Readonly<Record<string, ((size: ScheduleSize) => Schedule) | undefined>> = {
  search: searchStart,
  "search-2x": roomySearchStart,
};

/** Names for `PipelineOptions.schedule` that are no schedules of the registry but have their order searched. */
export const SEARCHED_SCHEDULES: readonly string[] = Object.keys(SEARCH_STARTS);

/** Whether the order of a candidate's actions is searched once its stages are cut. */
export function isSearched({ schedule }: Pick<Candidate, "schedule">): boolean {
  return SEARCHED_SCHEDULES.includes(schedule);
}

/**
 * The schedule that a candidate's stages are cut for.
 * @throws USAGE for a size that it cannot run, PLAN_INFEASIBLE when it keeps more microbatches than allowed.
 */
export function scheduleFor({ schedule, stagesPerDevice, order }: Candidate, pipeline: PipelineOptions): Schedule {
  const { microbatches, window } = pipeline;
  const size = {
    devices: order.length,
    microbatches,
    ...(stagesPerDevice === undefined ? {} : { stagesPerDevice }),
    ...(window === undefined ? {} : { window }),
  };
  return capped(runnable(SEARCH_STARTS[schedule]?.(size) ?? scheduleByName(schedule, size)), pipeline.maxInFlight);
}

/**
 * As `scheduleFor`, each schedule once. Candidates differ most in the order of devices and in what runs again, which
 * change no schedule; for 8 devices and 128 microbatches one takes up to 0.2 s to make.
 */
export function schedulesOf(pipeline: PipelineOptions): (candidate: Candidate) => Schedule {
  const known = new Map<string, Schedule>();
  return (candidate) => {
    const { schedule, stagesPerDevice, order } = candidate;
    const key = [schedule, stagesPerDevice, order.length].join();
    const made = known.get(key) ?? scheduleFor(candidate, pipeline);
    known.set(key, made);
    return made;
  };
}

/** The schedule in the form that plans run. */
function runnable(schedule: Schedule): Schedule {
  checkSchedule(schedule);
  const canonical = canonicalSchedule(schedule);
  checkSchedule(canonical);
  return canonical;
}

/** The schedule, if no stage of it keeps more microbatches than allowed. */
function capped(schedule: Schedule, maxInFlight = Infinity): Schedule {
  const flights = inFlight(schedule);
  const most = Math.max(...flights);
  if (most <= maxInFlight) return schedule;
  throw new PipewrightError(
    "PLAN_INFEASIBLE",
    `schedule ${schedule.name}: stage ${flights.indexOf(most)} keeps ${most} microbatches in flight; got a cap of ` +
      `${maxInFlight}. Raise --max-in-flight, or use --schedule windowed-1f1b --window ${maxInFlight} or fewer microbatches.`,
    { inFlight: most, maxInFlight },
  );
}
