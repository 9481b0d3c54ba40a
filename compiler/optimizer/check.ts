/** @file What no optimizer can do, whoever asks for it: a program, or a file that was read back. */
import { PipewrightError } from "../errors.js";
import type { OptimizerSpec } from "../plan/plan.js";

/** Why the settings cannot be; undefined: they can. */
export function optimizerFault({ schedule, clipNorm }: OptimizerSpec): string | undefined {
  if (clipNorm !== undefined && !(clipNorm > 0)) return `gradients are clipped to a norm of ${clipNorm}`;
  if (!schedule || schedule.kind === "constant") return undefined;
  const { kind, warmupSteps, totalSteps } = schedule;
  if (totalSteps === undefined) return `the learning-rate schedule ${kind} has no end`;
  if (warmupSteps < totalSteps) return undefined;
  return `the learning-rate schedule ${kind} ends at step ${totalSteps}, within its warm-up of ${warmupSteps} steps`;
}

/** @throws USAGE for settings that cannot be. */
export function checkOptimizer(optimizer: OptimizerSpec): void {
  const fault = optimizerFault(optimizer);
  if (fault) throw new PipewrightError("USAGE", `optimizer: ${fault}. Give it other settings.`);
}
