/** @file From flags to what is trained and how: what every command that makes a plan or a training graph shares. */
import { PipewrightError } from "../../compiler/errors.js";
import { ADAMW } from "../../compiler/optimizer/adamw.js";
import type { OptimizerSpec } from "../../compiler/plan/plan.js";
import type { TrainingOptions } from "../../compiler/training.js";
import type { FlagValues } from "./flags.js";
import { checkEnd } from "./parse/optimizer.js";

/** The choices besides the loss that decide the training graph. */
export function trainingChoices({ trainable, batchNorm }: FlagValues): Omit<TrainingOptions, "loss"> {
  return { ...(trainable && { trainable }), ...(batchNorm && batchNorm !== "model" && { batchNorm }) };
}

/**
 * The optimizer with its groups, schedule and clipping.
 * @throws USAGE for a schedule whose end is not known: it is given, or that of the training.
 */
export function optimizerOf({ optimizer, lrSchedule, paramGroup, clipNorm, steps }: FlagValues): OptimizerSpec {
  return {
    ...(optimizer ?? ADAMW),
    ...(lrSchedule && { schedule: withEnd(lrSchedule, steps) }),
    ...(paramGroup && { groups: paramGroup }),
    ...(clipNorm !== undefined && { clipNorm }),
  };
}

function withEnd(
  schedule: NonNullable<FlagValues["lrSchedule"]>,
  steps: number | undefined,
): NonNullable<FlagValues["lrSchedule"]> {
  if (schedule.kind === "constant" || schedule.totalSteps !== undefined) return schedule;
  if (steps === undefined) {
    throw new PipewrightError(
      "USAGE",
      `--lr-schedule ${schedule.kind}: its end is missing; expected total=STEPS. Add it, or make the plan with train --steps.`,
    );
  }
  checkEnd(schedule.warmupSteps, steps);
  return { ...schedule, totalSteps: steps };
}
