/** @file A timeline of too many bars for SVG: a coarse picture without a script, and numbers for the canvas of the page. */
import type { Phase } from "../../compiler/schedule/action.js";
import type { Markup } from "./markup.js";
import { markup } from "./markup.js";
import type { StepRow } from "./step-view.js";
import type { TimelinePlan } from "./timeline-picture.js";
import { axis, groupHeight, LANE, laneBack, lanes, share } from "./timeline-picture.js";

/** Columns of a picture of too many bars, over all rows. */
const COARSE_BARS = 12_000;

/** A picture of too many bars without a script: in each column the phase that fills most of it. */
export function coarseTimelineSvg(plan: TimelinePlan): Markup {
  const all = lanes(plan);
  const columns = Math.max(50, Math.min(400, Math.floor(COARSE_BARS / all.length)));
  const rows = all.map(({ row, y, group }) => {
    const runs = coarseRuns(row, plan.endMs, columns);
    const bars = runs.map(
      ({ phase, from, to }) =>
        markup`<rect class="${phase}" x="${share(from, columns)}" y="${y}" width="${share(to - from, columns)}" height="${LANE.height}"/>`,
    );
    return markup`${laneBack(group.view, row, y, plan.endMs)}<g class="coarse">${bars}</g>`;
  });
  return markup`<svg class="lanes" width="100%" height="${plan.height}" role="img" aria-label="Phases of each device over time, coarsely">${axis(plan)}${rows}</svg>`;
}

interface CoarseRun {
  readonly phase: Phase;
  readonly from: number;
  to: number;
}

function coarseRuns({ cells }: StepRow, endMs: number, columns: number): readonly CoarseRun[] {
  const filled = new Map<Phase, Float64Array>();
  for (const { phase, startMs, endMs: end } of cells) {
    const shares = filled.get(phase) ?? new Float64Array(columns);
    filled.set(phase, shares);
    const [from, to] = [(startMs / endMs) * columns, (end / endMs) * columns];
    for (let at = Math.floor(from); at < Math.min(columns, to); at++)
      shares[at]! += Math.min(at + 1, to) - Math.max(at, from);
  }
  const runs: CoarseRun[] = [];
  for (let at = 0; at < columns; at++) {
    const [phase, most] = [...filled].reduce<readonly [Phase | undefined, number]>(
      (best, [own, shares]) => (shares[at]! > best[1] ? [own, shares[at]!] : best),
      [undefined, 0.25],
    );
    if (phase === undefined || most === 0) continue;
    const last = runs.at(-1);
    if (last?.phase === phase && last.to === at) last.to++;
    else runs.push({ phase, from: at, to: at + 1 });
  }
  return runs;
}

/**
 * The bars for the canvas of the page: gaps between bars, and lengths, in whole units of a thousandth of a usual bar; waits as
 * [place of the bar behind, wait for a device, wait for a tensor].
 */
export function timelineNumbers(plan: TimelinePlan) {
  const unitMs = 10 ** (Math.floor(Math.log10(plan.endMs / Math.max(1, plan.bars))) - 2);
  const units = (ms: number): number => Math.round(ms / unitMs);
  const tops = lanes(plan);
  return {
    unitMs,
    end: units(plan.endMs),
    height: plan.height,
    laneHeight: LANE.height,
    isStaged: plan.isStaged,
    groups: plan.groups.map((group) => ({ title: group.title, height: groupHeight(group) })),
    rows: tops.map(({ group, row, y }) => {
      let last = 0;
      const gaps = row.cells.map(({ startMs, endMs }) => {
        const gap = units(startMs) - last;
        last = units(endMs);
        return gap;
      });
      return {
        y,
        group: plan.groups.indexOf(group),
        span: units(group.view.spanMs),
        marks: [row.steadyMs, row.coolDownMs, row.cells.at(-1)?.endMs ?? 0, row.updateEndMs].map(units),
        phases: row.cells.map(({ phase }) => phase).join(""),
        stages: row.cells.map(({ stage }) => stage),
        microbatches: row.cells.map(({ microbatch }) => microbatch),
        gaps,
        lengths: row.cells.map(({ startMs, endMs }) => units(endMs) - units(startMs)),
        waits: row.cells.flatMap(({ waitMs, handoverMs }, at) => {
          const [wait, handover] = [units(waitMs), units(handoverMs)];
          return wait + handover > 0 ? [[at, wait, handover]] : [];
        }),
      };
    }),
  };
}
