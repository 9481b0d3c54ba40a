/** @file What the simulator says of a partition under a schedule. */
import { invariant } from "../errors.js";
import { gapOf } from "../gap.js";
import type { Schedule } from "../schedule/action.js";
import { makespanBound } from "../schedule/bound.js";
import type { ScheduleCosts } from "../schedule/costs.js";
import { problemOf } from "../schedule/problem.js";
import type { Timeline } from "../schedule/simulate.js";
import type { Forecast } from "./plan.js";

/** Bound and makespan add the same times in different orders; they may differ by this share. */
const ROUNDING = 1e-9;

/** What is predicted of a step besides its timeline. */
export interface StepOutlook {
  /** Time of the optimizer on the slowest device. */
  readonly updateMs: number;
  /** By device. */
  readonly peakBytes: readonly number[];
}

/** The whole predicted step: the rows of actions, then the optimizer's update. */
export function predictedStepMs({ makespanMs, updateMs }: Forecast): number {
  return makespanMs + updateMs;
}

/**
 * The headline of a simulated step, with a lower bound on the makespan of any order of the same actions.
 * Requires: `timeline` is the schedule's under these costs. One copy of the model.
 */
export function forecast(
  schedule: Schedule,
  costs: ScheduleCosts,
  timeline: Timeline,
  { updateMs, peakBytes }: StepOutlook,
): Forecast {
  const { makespanMs, bubble, peakActivations } = timeline;
  const boundMs = makespanBound(problemOf(schedule, costs));
  invariant(
    boundMs <= makespanMs * (1 + ROUNDING),
    `a makespan of ${makespanMs} ms is below its bound of ${boundMs} ms`,
  );
  const reached = Math.min(boundMs, makespanMs);
  const gap = gapOf(makespanMs, reached);
  return { makespanMs, updateMs, boundMs: reached, gap, bubble, peakActivations, peakBytes };
}
