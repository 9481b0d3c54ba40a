/**
 * @file How the solver came to the partition: its bottleneck falls, its bound rises, between them is the gap. At the end a
 * descent on the step may take a larger bottleneck.
 */
import { gapOf } from "../../compiler/gap.js";
import type { Certificate } from "../../compiler/partition/problem.js";
import type { Place } from "./axes.js";
import { chart, stair } from "./axes.js";
import { legend } from "./charts.js";
import { formatMs, formatShare } from "./format.js";
import type { Markup } from "./markup.js";
import { markup, pictureTable } from "./markup.js";
import type { SearchAttempt, SolverPoint } from "./search-record.js";

/** The try that became the plan, if the course of its solver was kept. */
export function winningTry(
  search: readonly SearchAttempt[],
  { bottleneckMs, boundMs }: Pick<Certificate, "bottleneckMs" | "boundMs">,
  schedule: string,
): SearchAttempt | undefined {
  return search.find(
    (attempt) =>
      attempt.course !== undefined &&
      attempt.schedule === schedule &&
      attempt.bottleneckMs === bottleneckMs &&
      attempt.boundMs === boundMs,
  );
}

/** Bottleneck and bound over time, and the log as a table. */
export function coursePicture({ endMs }: SearchAttempt, course: readonly SolverPoint[]): Markup {
  const found = course.flatMap(({ ms, bottleneckMs }): readonly Place[] =>
    bottleneckMs === undefined ? [] : [[ms, bottleneckMs]],
  );
  const bounds = course.map(({ ms, boundMs }): Place => [ms, boundMs]);
  const values = [...found, ...bounds].map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const from = course[0]!.ms;
  const to = Math.max(endMs, course.at(-1)!.ms);
  const [upper, lower] = [stair(found, to), stair(bounds, to)];
  const last = course.at(-1)!;
  const about = `Bottleneck from ${formatMs(found[0]?.[1] ?? 0)} to ${formatMs(last.bottleneckMs ?? 0)}, bound from ${formatMs(bounds[0]![1])} to ${formatMs(last.boundMs)}, in ${formatMs(to - from)}`;
  const start = found[0]?.[0] ?? to;
  const below = lower.filter(([x]) => x >= start);
  const under = lower.findLast(([x]) => x <= start)?.[1] ?? low;
  return markup`<h3>The solver's course</h3>${chart({
    x: { from, to, format: formatMs },
    y: { from: low, to: high, format: formatMs },
    about,
    areas:
      found.length > 0
        ? [{ kind: "gap", places: [...upper, ...[[start, under] as const, ...below].toReversed()] }]
        : [],
    curves: [
      { kind: "best", places: upper },
      { kind: "bound", places: lower },
    ],
  })}${legend([
    ["best", "bottleneck so far; a shorter step may cost some at the end"],
    ["bound", "proven lower bound"],
    ["gap", "the gap"],
  ])}${pictureTable(
    "Table of the solver's log",
    [
      { title: "after", isNumber: true },
      { title: "bottleneck", isNumber: true },
      { title: "bound", isNumber: true },
      { title: "gap", isNumber: true },
      { title: "by" },
    ],
    course.map(({ ms, bottleneckMs, boundMs, method }) => [
      formatMs(ms),
      bottleneckMs === undefined ? "" : formatMs(bottleneckMs),
      formatMs(boundMs),
      bottleneckMs === undefined ? "" : formatShare(gapOf(bottleneckMs, boundMs)),
      method,
    ]),
  )}`;
}
