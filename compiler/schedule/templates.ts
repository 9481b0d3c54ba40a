/** @file The known schedules that a problem admits: right placement, right sizes, and within its memory. */
import { PipewrightError } from "../errors.js";
import type { Schedule } from "./action.js";
import { splitStages } from "./action.js";
import { peakStash } from "./in-flight.js";
import type { SchedulingProblem } from "./problem.js";
import { SCHEDULES } from "./registry.js";
import { automaticZeroBubble } from "./zb-auto.js";

/** Every schedule of the registry, and the automatic one, with the placement of the problem that keeps no more than its capacity. */
export function templatesFor(problem: SchedulingProblem): Schedule[] {
  const { devices, microbatches, placement, capacity, costs, replicas = 1 } = problem;
  const stagesPerDevice = placement.length / devices;
  if (!Number.isInteger(stagesPerDevice)) return [];
  const size = { devices, microbatches: microbatches * replicas, stagesPerDevice };
  const automatic = () =>
    automaticZeroBubble(size, { costs, capacity: capacity ?? costs.forwardMs.map(() => Infinity) });
  return [
    ...SCHEDULES.map(
      ({ build }) =>
        () =>
          build(size),
    ),
    automatic,
  ].flatMap((build) => {
    const schedule = ifPossible(build);
    return schedule && isAdmitted(problem, schedule) ? [schedule] : [];
  });
}

/** Is the schedule an answer to the problem: its copies, its placement, no halves where it has none, within its memory? */
export function isAdmitted(
  { placement, replicas = 1, split, capacity, costs }: SchedulingProblem,
  schedule: Schedule,
): boolean {
  if ((schedule.replicas ?? 1) !== replicas) return false;
  if (schedule.placement.some((device, stage) => device !== placement[stage])) return false;
  if (split === false && splitStages(schedule).includes(true)) return false;
  const kept = peakStash(schedule, costs.stash);
  return kept.every((peak, d) => peak <= (capacity?.[d] ?? Infinity) * (1 + 1e-9));
}

/** Undefined if a schedule refuses the size or the memory. */
function ifPossible(build: () => Schedule): Schedule | undefined {
  try {
    return build();
  } catch (error) {
    if (error instanceof PipewrightError && (error.code === "USAGE" || error.code === "PLAN_INFEASIBLE"))
      return undefined;
    throw error;
  }
}
