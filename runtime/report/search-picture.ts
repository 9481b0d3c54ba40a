/** @file The search over time: the predicted step of every schedule that was tried, and of the best one so far. */
import { formatMs } from "./format.js";
import { legend } from "./charts.js";
import type { Markup } from "./markup.js";
import { markup } from "./markup.js";
import type { SearchAttempt } from "./search-record.js";

/** Radius of a dot, and the room that the outermost dots leave at the edges, in percent. */
const RADIUS = 4;
const EDGE = 3;

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
  const high = tried.reduce((most, { makespanMs }) => Math.max(most, makespanMs), boundMs);
  const low = tried.reduce((least, { makespanMs }) => Math.min(least, makespanMs), boundMs);
  const x = (ms: number): string => percent(ms / endMs);
  const y = (ms: number): string => percent((high - ms) / (high - low || 1));
  const dots = tried.map(
    ({ schedule, status, endMs: after, makespanMs }) =>
      markup`<circle class="${status}" cx="${x(after)}" cy="${y(makespanMs)}" r="${RADIUS}"><title>${schedule}: a step of ${formatMs(makespanMs)}, ${status}, after ${formatMs(after)}</title></circle>`,
  );
  const line = (kind: string, x1: string, y1: string, x2: string, y2: string): Markup =>
    markup`<line class="${kind}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
  const steps = bestSoFar(tried).map(({ makespanMs, endMs: fromMs }, at, all) => {
    const next = all[at + 1];
    const untilMs = next?.endMs ?? endMs;
    const flat = line("best", x(fromMs), y(makespanMs), x(untilMs), y(makespanMs));
    return next ? markup`${flat}${line("best", x(untilMs), y(makespanMs), x(untilMs), y(next.makespanMs))}` : flat;
  });
  const about = `${tried.length} schedules in ${formatMs(endMs)}, predicted steps from ${formatMs(low)} to ${formatMs(high)}`;
  return markup`<div class="line search" role="img" aria-label="${about}"><div class="scale"><span>${formatMs(high)}</span><span>${formatMs(low)}</span></div><svg width="100%" height="120" aria-hidden="true">${line("limit", "0%", y(boundMs), "100%", y(boundMs))}${steps}${dots}</svg><div class="foot"><span>0 ms</span><span>${formatMs(endMs)}</span></div></div>${legend(
    [
      ["best", "predicted step of the best plan so far"],
      ["tried", "a schedule with its partition"],
      ["pruned", "ruled out by a quick cut or a bound"],
      ["limit", `lower bound of the schedule that won, ${formatMs(boundMs)}`],
    ],
  )}`;
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

function percent(share: number): string {
  return `${Math.round((EDGE + share * (100 - 2 * EDGE)) * 1e3) / 1e3}%`;
}
