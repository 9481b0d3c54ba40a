/** @file The order of a plan that was searched briefly, searched for longer, with slack where that costs nothing. */
import type { Schedule } from "../schedule/action.js";
import { ROUNDING } from "../schedule/fuse.js";
import { peakStash } from "../schedule/in-flight.js";
import { reorder } from "../schedule/reorder.js";
import { withSlack } from "../schedule/slack.js";
import type { Draft } from "./draft.js";
import { allSplit, timed } from "./draft.js";

/** Actions that are timed in one search, which takes about a second; more where that is for too few schedules. */
const MOST_ACTIONS = 16_000_000;
/** Schedules that are timed at least, and at most. */
const EVALUATIONS = [20_000, 200_000] as const;

/**
 * Requires: the order of the draft was searched from `start`. Ensures: the same cut, no slower; no device keeps more than
 * `start` does.
 */
export function refinedOrder<T extends Pick<Draft, "schedule" | "costsWith" | "stageCosts" | "timeline">>(
  draft: T,
  start: Schedule,
  seed?: number,
): T {
  const { schedule, stageCosts, costsWith } = draft;
  const actions = start.rows.reduce((sum, row) => sum + row.length, 0);
  const [least, most] = EVALUATIONS;
  const options = {
    evaluations: Math.max(least, Math.min(most, Math.round(MOST_ACTIONS / actions))),
    capacity: peakStash(start, stageCosts.stash),
    ...(seed === undefined ? {} : { seed }),
  };
  const costs = costsWith(allSplit(schedule));
  const shorter = timed(draft, reorder(schedule, costs, options).schedule);
  const shortest = isNoSlower(shorter, draft) ? shorter : draft;
  const slack = timed(draft, withSlack(shortest.schedule, costs, options));
  return isNoSlower(slack, shortest) ? slack : shortest;
}

type Timed = Pick<Draft, "timeline">;

function isNoSlower({ timeline: one }: Timed, { timeline: other }: Timed): boolean {
  return one.makespanMs <= other.makespanMs * (1 + ROUNDING);
}
