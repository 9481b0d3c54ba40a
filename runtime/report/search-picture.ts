/** @file The search over time: the predicted step of every schedule that was tried, and of the best one so far. */
import type { Place } from "./axes.js";
import { chart, stair } from "./axes.js";
import { formatMs } from "./format.js";
import { legend } from "./charts.js";
import type { Markup } from "./markup.js";
import { markup } from "./markup.js";
import type { SearchAttempt } from "./search-record.js";

interface Tried extends SearchAttempt {
  readonly makespanMs: number;
}

/**
 * Dots at the predicted step of every try, a stair for the best so far, and the bound on the step of the one that won.
 * Nothing for fewer than two tries: the search then had no course.
 */
export function searchPicture(attempts: readonly SearchAttempt[], boundMs: number): Markup | undefined {
  const tried = attempts.filter((attempt): attempt is Tried => attempt.makespanMs !== undefined);
  if (tried.length < 2) return undefined;
  const endMs = tried.reduce((last, attempt) => Math.max(last, attempt.endMs), 0) || 1;
  const startMs = tried.reduce((first, attempt) => Math.min(first, attempt.endMs), endMs);
  const high = tried.reduce((most, { makespanMs }) => Math.max(most, makespanMs), boundMs);
  const low = tried.reduce((least, { makespanMs }) => Math.min(least, makespanMs), boundMs);
  const best = bestSoFar(tried).map((attempt): Place => [attempt.endMs, attempt.makespanMs]);
  const about = `${tried.length} schedules in ${formatMs(endMs)}, predicted steps from ${formatMs(low)} to ${formatMs(high)}`;
  return markup`<h3>Schedules that were tried</h3>${chart({
    x: { from: startMs, to: endMs, format: formatMs },
    y: { from: low, to: high, format: formatMs },
    about,
    curves: [
      { kind: "best", places: stair(best, endMs) },
      {
        kind: "bound",
        places: [
          [startMs, boundMs],
          [endMs, boundMs],
        ],
      },
    ],
    dots: tried.map(({ schedule, status, endMs: after, makespanMs }) => ({
      kind: status,
      place: [after, makespanMs],
      title: `${schedule}: a step of ${formatMs(makespanMs)}, ${status}, after ${formatMs(after)}`,
    })),
  })}${legend([
    ["best", "predicted step of the best plan so far"],
    ["tried", "a schedule with its partition"],
    ["pruned", "ruled out by a quick cut or a bound"],
    ["bound", `lower bound of the schedule that won, ${formatMs(boundMs)}`],
  ])}`;
}

/** The tries that were better than all before. */
function bestSoFar(tried: readonly Tried[]): readonly Tried[] {
  let least = Infinity;
  return tried.filter(({ status, makespanMs }) => {
    if (status === "pruned" || makespanMs >= least) return false;
    least = makespanMs;
    return true;
  });
}
