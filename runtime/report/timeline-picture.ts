/** @file Steps as pictures above each other on one time axis. Across in shares of the width, so that zoom needs no redraw. */
import type { Phase } from "../../compiler/schedule/action.js";
import { formatMs } from "./format.js";
import type { Markup } from "./markup.js";
import { markup } from "./markup.js";
import type { StepCell, StepMessage, StepRow, StepView } from "./step-view.js";

/** Sizes in px. */
const LANE = { height: 24, gap: 10, headY: 26, axisY: 26 } as const;
/** Width at which the letters of a bar are judged until the page knows better. */
const USUAL_WIDTH = 960;
const LETTER_WIDTH = 7;
/** Waits below this share of the axis are not drawn. */
const LEAST_WAIT = 0.001;
const TICKS = 8;
/** More bars than this are drawn on a canvas. */
export const MOST_SVG_BARS = 3000;
/** Columns of a picture of too many bars, over all rows. */
const COARSE_BARS = 12_000;

/** A step with its title. */
export interface TimelineGroup {
  readonly title: string;
  readonly view: StepView;
}

/** Where the rows of the groups are, from top to bottom. */
interface Lane {
  readonly group: TimelineGroup;
  readonly row: StepRow;
  readonly y: number;
}

/** Everything that both kinds of picture need. */
export interface TimelinePlan {
  readonly groups: readonly TimelineGroup[];
  /** End of the axis. */
  readonly endMs: number;
  readonly bars: number;
  readonly height: number;
}

/** Puts the groups on one axis. */
export function planTimeline(groups: readonly TimelineGroup[]): TimelinePlan {
  const rows = groups.flatMap(({ view }) => view.rows);
  const ends = rows.flatMap(({ cells, updateEndMs }) => [updateEndMs, cells.at(-1)?.endMs ?? 0]);
  const height = groups.length * LANE.headY + rows.length * (LANE.height + LANE.gap) + LANE.axisY;
  const bars = rows.reduce((sum, { cells }) => sum + cells.length, 0);
  return { groups, endMs: ends.reduce((last, ms) => Math.max(last, ms), 0) || 1, bars, height };
}

function lanes({ groups }: TimelinePlan): readonly Lane[] {
  let y = 0;
  return groups.flatMap((group) => {
    y += LANE.headY;
    return group.view.rows.map((row): Lane => {
      const top = y;
      y += LANE.height + LANE.gap;
      return { group, row, y: top };
    });
  });
}

/** "F3", or "2F3" on a device with several stages. */
export function cellName(
  { stage, phase, microbatch }: Pick<StepCell, "stage" | "phase" | "microbatch">,
  withStage: boolean,
): string {
  return `${withStage ? stage : ""}${phase}${microbatch}`;
}

/** Names of the rows, to stand still beside the moving picture. */
export function laneNames(plan: TimelinePlan): Markup {
  const titles: Markup[] = [];
  let y = 0;
  for (const { title, view } of plan.groups) {
    titles.push(markup`<text class="head" x="0" y="${y + 17}">${title}</text>`);
    y += LANE.headY + view.rows.length * (LANE.height + LANE.gap);
  }
  const names = lanes(plan).map(({ row, y: top }) => markup`<text x="0" y="${top + 16}">${row.device}</text>`);
  return markup`<svg class="names" width="84" height="${plan.height}" aria-hidden="true">${titles}${names}</svg>`;
}

/** The bars as SVG. Requires: at most MOST_SVG_BARS bars. */
export function timelineSvg(plan: TimelinePlan): Markup {
  const { endMs, height } = plan;
  const all = lanes(plan);
  let isFirst = true;
  const rows = all.map(({ group, row, y }) => {
    const withStage = new Set(row.cells.map(({ stage }) => stage)).size > 1;
    const bars = row.cells.map((cell) => {
      const bar = barMarkup(cell, cellName(cell, withStage), y, endMs, group.title, isFirst);
      isFirst = false;
      return bar;
    });
    return markup`${laneBack(group.view, row, y, endMs)}${row.cells.map((cell) => waitMarkup(cell, y, endMs))}${bars}\n`;
  });
  const messages = plan.groups.flatMap((group) => {
    const own = all.filter((lane) => lane.group === group);
    return group.view.messages.map((message) => messageMarkup(message, own, endMs));
  });
  return markup`<svg class="lanes" width="100%" height="${height}" role="group" aria-label="Actions of each device over time">${axis(plan)}${rows}<g class="messages">${messages}</g></svg>`;
}

function share(ms: number, endMs: number): string {
  return `${Math.round((ms / endMs) * 1e6) / 1e4}%`;
}

function barMarkup(cell: StepCell, name: string, y: number, endMs: number, title: string, isFirst: boolean): Markup {
  const { stage, phase, startMs } = cell;
  const width = cell.endMs - startMs;
  const needed = (name.length * LETTER_WIDTH + 4) / USUAL_WIDTH;
  const hidden = width / endMs < needed ? " hide" : "";
  const about = `${name}, stage ${stage}, ${title}: ${formatMs(startMs)} to ${formatMs(cell.endMs)}, takes ${formatMs(width)}`;
  return markup`<g class="bar ${phase}" role="img" tabindex="${isFirst ? 0 : -1}"><title>${about}</title><rect x="${share(startMs, endMs)}" y="${y}" width="${share(width, endMs)}" height="${LANE.height}"/><text class="${`name${hidden}`}" x="${share(startMs + width / 2, endMs)}" y="${y + 16}">${name}</text></g>`;
}

function waitMarkup({ startMs, waitMs, handoverMs }: StepCell, y: number, endMs: number): Markup | undefined {
  const total = waitMs + handoverMs;
  if (total / endMs < LEAST_WAIT) return undefined;
  const about = `waits ${formatMs(waitMs)} for another device, ${formatMs(handoverMs)} for the transfer`;
  const part = (from: number, ms: number, kind: string): Markup | undefined =>
    ms / endMs < LEAST_WAIT / 4
      ? undefined
      : markup`<rect class="${kind}" x="${share(from, endMs)}" y="${y + 8}" width="${share(ms, endMs)}" height="${LANE.height - 16}"/>`;
  return markup`<g><title>${about}</title>${part(startMs - total, waitMs, "wait")}${part(startMs - handoverMs, handoverMs, "handover")}</g>`;
}

function laneBack({ spanMs }: StepView, row: StepRow, y: number, endMs: number): Markup {
  const strip = (from: number, to: number, kind: string, title: string): Markup | undefined =>
    to <= from
      ? undefined
      : markup`<rect class="${kind}" x="${share(from, endMs)}" y="${y + LANE.height + 2}" width="${share(to - from, endMs)}" height="3"><title>${title}</title></rect>`;
  const last = row.cells.at(-1)?.endMs ?? 0;
  const { updateEndMs } = row;
  const update = markup`<rect class="U" x="${share(spanMs, endMs)}" y="${y}" width="${share(Math.max(0, updateEndMs - spanMs), endMs)}" height="${LANE.height}"><title>optimizer update until ${formatMs(updateEndMs)}</title></rect>`;
  return markup`<rect class="lane" x="0" y="${y}" width="${share(spanMs, endMs)}" height="${LANE.height}"/>${update}${strip(0, row.steadyMs, "warm", "warm-up")}${strip(row.steadyMs, row.coolDownMs, "steady", "steady state")}${strip(row.coolDownMs, last, "cool", "cool-down")}`;
}

function messageMarkup({ fromRow, fromMs, toRow, toMs }: StepMessage, own: readonly Lane[], endMs: number): Markup {
  const isDown = toRow > fromRow;
  const y1 = own[fromRow]!.y + (isDown ? LANE.height : 0);
  const y2 = own[toRow]!.y + (isDown ? 0 : LANE.height);
  return markup`<line x1="${share(fromMs, endMs)}" y1="${y1}" x2="${share(toMs, endMs)}" y2="${y2}"/>`;
}

/** A step for ticks, 1, 2 or 5 times a power of ten, that gives about `count` of them. */
export function tickStep(end: number, count: number): number {
  const rough = end / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999)!;
}

function axis({ endMs, height }: TimelinePlan): Markup {
  const step = tickStep(endMs, TICKS);
  const ticks = Array.from({ length: Math.floor((endMs / step) * 1.0001) + 1 }, (_, at) => at * step);
  const minor = ticks.flatMap((tick) => Array.from({ length: 9 }, (_, at) => tick + ((at + 1) * step) / 10));
  const line = (ms: number, kind: string): Markup => {
    const x = share(ms, endMs);
    const end = ms > endMs * 0.96 ? " end" : ms === 0 ? " begin" : "";
    return markup`<line class="tick" x1="${x}" y1="0" x2="${x}" y2="${height - 20}"/><text class="${`tick ${kind}${end}`}" x="${x}" y="${height - 6}">${formatMs(ms)}</text>`;
  };
  return markup`<g class="axis">${ticks.map((ms) => line(ms, "major"))}<g class="minor">${minor.filter((ms) => ms < endMs).map((ms) => line(ms, "fine"))}</g></g>`;
}

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

/** The bars for the canvas of the page: gaps between bars, and lengths, in whole units of a thousandth of a usual bar. */
export function timelineNumbers(plan: TimelinePlan) {
  const unitMs = 10 ** (Math.floor(Math.log10(plan.endMs / Math.max(1, plan.bars))) - 2);
  const units = (ms: number): number => Math.round(ms / unitMs);
  const tops = lanes(plan);
  return {
    unitMs,
    end: units(plan.endMs),
    height: plan.height,
    laneHeight: LANE.height,
    rows: tops.map(({ group, row, y }) => {
      let last = 0;
      const gaps = row.cells.map(({ startMs, endMs }) => {
        const gap = units(startMs) - last;
        last = units(endMs);
        return gap;
      });
      return {
        y,
        group: group.title,
        phases: row.cells.map(({ phase }) => phase).join(""),
        stages: row.cells.map(({ stage }) => stage),
        microbatches: row.cells.map(({ microbatch }) => microbatch),
        gaps,
        lengths: row.cells.map(({ startMs, endMs }) => units(endMs) - units(startMs)),
      };
    }),
  };
}
