/**
 * @file The form of a schedule that plans run. Programs of a stage are whole backwards or halves, not both; and what is
 * summed over microbatches has the same bits under every schedule only if all add in the same order.
 */
import type { Action, Phase, Schedule } from "./action.js";
import { replicaOf, splitStages } from "./action.js";

/**
 * The same schedule with these differences:
 * a stage that runs some backwards as I and W runs all of them so, one after the other where it had a B;
 * each phase of a stage takes the microbatches in ascending order, at the positions it had;
 * overlapped pairs are left out, since a device runs one action at a time;
 * several copies of the model take the microbatches in turn and sum in order. In the last turn copy 0 comes last, so
 * that it can add what the others made before it adds its own.
 *
 * Requires: a checked schedule, with as many microbatches for every copy.
 * Ensures: a schedule with nothing of this is unchanged. The order of the microbatches may now contradict itself: check
 * again. Cost: linear.
 */
export function canonicalSchedule(schedule: Schedule): Schedule {
  const { name, devices, stages, microbatches, placement, replicas = 1 } = schedule;
  const turnOf = turns(schedule);
  const isSplit = splitStages(schedule);
  const halves = (action: Action): readonly Action[] =>
    action.phase === "B" && isSplit[action.stage]
      ? [
          { ...action, phase: "I" },
          { ...action, phase: "W" },
        ]
      : [action];
  const renamed = (action: Action): Action => ({ ...action, microbatch: turnOf[action.microbatch]! });
  const rows = schedule.rows.map((row) => ascending(row.flatMap(halves).map(renamed)));
  const canonical = { name, devices, stages, microbatches, placement, rows };
  if (replicas === 1) return canonical;
  const routes = new Array<number>(microbatches);
  turnOf.forEach((turn, microbatch) => (routes[turn] = replicaOf(schedule, microbatch)));
  return { ...canonical, replicas, replicaOf: routes, sums: "in order" };
}

/** New number of each microbatch. */
function turns(schedule: Schedule): number[] {
  const { microbatches, replicas = 1 } = schedule;
  const counts = new Array<number>(replicas).fill(0);
  return Array.from({ length: microbatches }, (_, microbatch) => {
    const copy = replicaOf(schedule, microbatch);
    const round = counts[copy]!++;
    const isLast = round === microbatches / replicas - 1;
    return round * replicas + (isLast ? (copy + replicas - 1) % replicas : copy);
  });
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
