/**
 * @file The form of a schedule that plans run. Programs of a stage are whole backwards or halves, not both; and what is
 * summed over microbatches has the same bits under every schedule only if all add in the same order.
 */
import type { Action, Phase, Schedule } from "./action.js";

/**
 * The same schedule with three differences:
 * a stage that runs some backwards as I and W runs all of them so, one after the other where it had a B;
 * each phase of a stage takes the microbatches in ascending order, at the positions it had;
 * overlapped pairs are left out, since a device runs one action at a time.
 *
 * Requires: a checked schedule of one copy of the model.
 * Ensures: a schedule with nothing of this is unchanged. The order of the microbatches may now contradict itself: check
 * again. Cost: linear.
 */
export function canonicalSchedule(schedule: Schedule): Schedule {
  const { name, devices, stages, microbatches, placement } = schedule;
  const isSplit = new Array<boolean>(stages).fill(false);
  for (const row of schedule.rows) for (const { stage, phase } of row) if (phase === "I") isSplit[stage] = true;
  const halves = (action: Action): readonly Action[] =>
    action.phase === "B" && isSplit[action.stage]
      ? [
          { ...action, phase: "I" },
          { ...action, phase: "W" },
        ]
      : [action];
  const rows = schedule.rows.map((row) => ascending(row.flatMap(halves)));
  return { name, devices, stages, microbatches, placement, rows };
}

/** The k-th run of a phase of a stage takes the k-th microbatch that the phase has in this row. */
function ascending(row: readonly Action[]): readonly Action[] {
  const queues = new Map<string, number[]>();
  const keyOf = ({ stage, phase }: { stage: number; phase: Phase }): string => `${stage}${phase}`;
  for (const action of row) {
    const queue = queues.get(keyOf(action));
    if (queue) queue.push(action.microbatch);
    else queues.set(keyOf(action), [action.microbatch]);
  }
  for (const queue of queues.values()) queue.sort((a, b) => b - a);
  return row.map((action) => ({ ...action, microbatch: queues.get(keyOf(action))!.pop()! }));
}
