/**
 * @file Whole backwards where halves gain nothing. A B is one program instead of two, and keeps nothing between them;
 * it only has to be as early as the I that it replaces, and no later action may suffer.
 */
import type { Action, Schedule } from "./action.js";
import type { ScheduleCosts } from "./costs.js";
import { simulate } from "./simulate.js";

/** Makespans that differ by less than this share are equal. */
export const ROUNDING = 1e-9;

/**
 * The same schedule with B instead of I and W on every stage where the step takes no longer for it, tried from the last
 * stage to the first.
 *
 * Requires: a checked schedule. Ensures: the makespan does not grow, and no device keeps more than before.
 * Cost: one simulation per split stage.
 */
export function fuseBackwards(schedule: Schedule, costs: ScheduleCosts): Schedule {
  let best = schedule;
  const limitMs = simulate(schedule, costs).makespanMs * (1 + ROUNDING);
  for (let stage = schedule.stages - 1; stage >= 0; stage--) {
    const fused = withWholeBackwards(best, stage);
    if (fused && simulate(fused, costs).makespanMs <= limitMs) best = fused;
  }
  return best;
}

/** Undefined if no backward of the stage is split. */
function withWholeBackwards(schedule: Schedule, stage: number): Schedule | undefined {
  const isHalf = ({ phase, ...action }: Action): boolean => action.stage === stage && (phase === "I" || phase === "W");
  if (!schedule.rows.some((row) => row.some(isHalf))) return undefined;
  const rows = schedule.rows.map((row) =>
    row.flatMap((action): readonly Action[] => {
      if (!isHalf(action)) return [action];
      return action.phase === "I" ? [{ ...action, phase: "B" }] : [];
    }),
  );
  return { ...schedule, rows };
}
