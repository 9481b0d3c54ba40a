/**
 * @file Slack between devices. Actions take longer than planned now and then; where a device needs a message the moment it
 * comes, what delays one device delays the next. So of equally short orders one is taken in which messages may be late.
 */
import type { Schedule } from "./action.js";
import type { ScheduleCosts, Transfer } from "./costs.js";
import { ROUNDING } from "./fuse.js";
import type { ReorderOptions } from "./reorder.js";
import { reorder } from "./reorder.js";
import { simulate } from "./simulate.js";

/** How late messages may be, as a share of the mean time of an action. */
const LATENESS = 0.75;

/**
 * Requires: as `reorder`. Ensures: the makespan does not grow, and no device keeps more than the capacity allows.
 * Cost: a search.
 */
export function withSlack(schedule: Schedule, costs: ScheduleCosts, options: ReorderOptions): Schedule {
  const other = reorder(schedule, withLateMessages(costs), options).schedule;
  const [makespanMs, otherMs] = [schedule, other].map((own) => simulate(own, costs).makespanMs);
  return otherMs! <= makespanMs! * (1 + ROUNDING) ? other : schedule;
}

/** Every message between neighbouring stages, and every other that there is, arrives later. */
function withLateMessages(costs: ScheduleCosts): ScheduleCosts {
  const { forwardMs, inputGradMs, weightGradMs, transfers = [] } = costs;
  const all = [forwardMs, inputGradMs, weightGradMs].flat();
  const lateMs = (LATENESS * all.reduce((sum, ms) => sum + ms, 0)) / all.length;
  const known = new Set(transfers.map(({ from, to }) => `${from} ${to}`));
  const free = forwardMs.slice(1).flatMap((_, from): Transfer[] => {
    const to = from + 1;
    return known.has(`${from} ${to}`) ? [] : [{ from, to, latencyMs: 0, forwardMs: 0, gradMs: 0 }];
  });
  const late = [...transfers, ...free].map((transfer) => ({
    ...transfer,
    latencyMs: transfer.latencyMs + lateMs,
    ...(transfer.gradLatencyMs === undefined ? {} : { gradLatencyMs: transfer.gradLatencyMs + lateMs }),
  }));
  return { ...costs, transfers: late };
}
