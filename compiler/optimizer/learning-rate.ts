/** @file The learning rate of each step: a function of the step alone, so that a resumed run goes on with the same bits. */
import type { LearningRateSchedule, OptimizerSpec, ParameterGroup } from "../plan/plan.js";

/** The learning rate of step `step` (1 is the first) for the parameters of a group, or for those of none. */
export function learningRateAt(
  { learningRate, schedule }: OptimizerSpec,
  step: number,
  { learningRateScale = 1 }: Pick<ParameterGroup, "learningRateScale"> = {},
): number {
  return learningRate * (schedule ? scheduleFactor(schedule, step - 1) : 1) * learningRateScale;
}

/**
 * The factor after `done` steps.
 * Source: torch's LinearLR for the warm-up, then CosineAnnealingLR with eta_min = floor · learning rate, or the straight
 * line of Hugging Face's get_linear_schedule_with_warmup.
 */
function scheduleFactor({ kind, warmupSteps, warmupStart, totalSteps, floor }: LearningRateSchedule, done: number) {
  if (done < warmupSteps) return warmupStart + ((1 - warmupStart) * done) / warmupSteps;
  if (kind === "constant" || totalSteps === undefined) return 1;
  const share = Math.min(1, (done - warmupSteps) / (totalSteps - warmupSteps));
  const left = kind === "linear" ? 1 - share : (1 + Math.cos(Math.PI * share)) / 2;
  return floor + (1 - floor) * left;
}
