/** @file Steps as pictures above each other on one time axis. Across in shares of the width, so that zoom needs no redraw. */
import type { Markup } from "./markup.js";
import { markup } from "./markup.js";
import { tickStep } from "./axes.js";
import { formatDifference, formatMs } from "./format.js";
import { stageClass } from "./graph-picture.js";
import type { StepCell, StepMessage, StepRow, StepView } from "./step-view.js";

/** Sizes in px. */
export const LANE = { height: 24, gap: 14, headY: 32, axisY: 26 } as const;
/** The stripe above a bar in the colour of its stage, where devices have several. */
const STRIPE = { height: 3, above: 5 } as const;
/** Width at which the letters of a bar are judged until the page knows better. */
const USUAL_WIDTH = 960;
const LETTER_WIDTH = 7;
/** Waits below this share of the axis are not drawn. */
const LEAST_WAIT = 0.001;
const TICKS = 8;
/** More bars than this are drawn on a canvas. */
export const MOST_SVG_BARS = 3000;

/** A step with its title. */
export interface TimelineGroup {
  readonly title: string;
  readonly view: StepView;
}

/** A row with its place from the top, and the actions of the other step by `cellName` with the stage. */
export interface Lane {
  readonly group: TimelineGroup;
  readonly row: StepRow;
  readonly y: number;
  readonly twins: ReadonlyMap<string, StepCell> | undefined;
}

/** Everything that both kinds of picture need. */
export interface TimelinePlan {
  readonly groups: readonly TimelineGroup[];
  /** End of the axis. */
  readonly endMs: number;
  readonly bars: number;
  readonly height: number;
  /** Whether a device has more than one stage, so that bars must say theirs. */
  readonly isStaged: boolean;
}

/** Puts the groups on one axis. */
export function planTimeline(groups: readonly TimelineGroup[]): TimelinePlan {
  const rows = groups.flatMap(({ view }) => view.rows);
  const ends = rows.flatMap(({ cells, updateEndMs }) => [updateEndMs, cells.at(-1)?.endMs ?? 0]);
  const height = groups.length * LANE.headY + rows.length * (LANE.height + LANE.gap) + LANE.axisY;
  const bars = rows.reduce((sum, { cells }) => sum + cells.length, 0);
  const isStaged = rows.some(({ cells }) => cells.some(({ stage }) => stage !== cells[0]!.stage));
  return { groups, endMs: ends.reduce((last, ms) => Math.max(last, ms), 0) || 1, bars, height, isStaged };
}

/** Rows from top to bottom. */
export function lanes({ groups }: TimelinePlan): readonly Lane[] {
  let y = 0;
  return groups.flatMap((group, at) => {
    const other = groups.length === 2 ? groups[1 - at]!.view.rows.flatMap(({ cells }) => cells) : undefined;
    const twins = other && new Map(other.map((cell) => [cellName(cell, true), cell]));
    y += LANE.headY;
    return group.view.rows.map((row): Lane => {
      const top = y;
      y += LANE.height + LANE.gap;
      return { group, row, y: top, twins };
    });
  });
}

/** Height of a step with its head. */
export function groupHeight({ view }: TimelineGroup): number {
  return LANE.headY + view.rows.length * (LANE.height + LANE.gap);
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
  let top = 0;
  const groups = plan.groups.map((group) => {
    const y = top;
    top += groupHeight(group);
    const rows = group.view.rows.map(
      ({ device }, at) =>
        markup`<text x="0" y="${y + LANE.headY + at * (LANE.height + LANE.gap) + 16}">${device}</text>`,
    );
    const span = markup`<tspan class="span" dx="8">${formatMs(group.view.spanMs)}</tspan>`;
    return markup`<g class="group" data-height="${groupHeight(group)}"><text class="head" x="0" y="${y + 18}">${group.title}${span}</text>${rows}</g>`;
  });
  return markup`<svg class="names" width="84" height="${plan.height}" aria-hidden="true">${groups}</svg>`;
}

/** The bars as SVG. Requires: at most MOST_SVG_BARS bars. */
export function timelineSvg(plan: TimelinePlan): Markup {
  const { endMs, height } = plan;
  const all = lanes(plan);
  const groups = plan.groups.map((group, at) => {
    const own = all.filter((lane) => lane.group === group);
    const rows = own.map((lane, place) => {
      const bars = lane.row.cells.map((cell, index) => barMarkup(cell, lane, plan, at + place + index === 0));
      const { row, y } = lane;
      return markup`${laneBack(group.view, row, y, endMs)}${row.cells.map((cell) => waitMarkup(cell, y, endMs))}${bars}\n`;
    });
    const messages = group.view.messages.map((message) => messageMarkup(message, own, endMs));
    return markup`<g class="group">${rows}<g class="messages">${messages}</g></g>`;
  });
  return markup`<svg class="lanes" width="100%" height="${height}" role="group" aria-label="Actions of each device over time">${axis(plan)}${groups}</svg>`;
}

/** A time as a share of the width. */
export function share(ms: number, endMs: number): string {
  return `${Math.round((ms / endMs) * 1e6) / 1e4}%`;
}

function barMarkup(cell: StepCell, lane: Lane, plan: TimelinePlan, isFirst: boolean): Markup {
  const { stage, phase, startMs, microbatch } = cell;
  const { y, group, twins } = lane;
  const { endMs, isStaged } = plan;
  const width = cell.endMs - startMs;
  const name = cellName(cell, isStaged);
  const fits = (text: string): boolean => width / endMs >= (text.length * LETTER_WIDTH + 4) / USUAL_WIDTH;
  const shown = fits(name) ? name : String(microbatch);
  const other = twins?.get(cellName(cell, true));
  const twinTitle = plan.groups.find((one) => one !== group)?.title;
  const elsewhere =
    other && `; ${twinTitle}: ${formatMs(other.endMs - other.startMs)}${twinDifference(group, cell, other)}`;
  const about = `${name}, stage ${stage}, ${group.title}: ${formatMs(startMs)} to ${formatMs(cell.endMs)}, takes ${formatMs(width)}${elsewhere ?? ""}`;
  const [x, across] = [share(startMs, endMs), share(width, endMs)];
  const stripe = isStaged
    ? markup`<rect class="stripe ${stageClass(stage)}" x="${x}" y="${y - STRIPE.above}" width="${across}" height="${STRIPE.height}"/>`
    : undefined;
  return markup`<g class="bar ${phase}" role="img" data-name="${name}" data-stage="${stage}" tabindex="${isFirst ? 0 : -1}"><title>${about}</title><rect x="${x}" y="${y}" width="${across}" height="${LANE.height}"/>${stripe}<text class="${fits(shown) ? "name" : "name hide"}" x="${share(startMs + width / 2, endMs)}" y="${y + 16}">${shown}</text></g>`;
}

/** How far the measured action is from the predicted one, if that takes any time. */
function twinDifference({ title }: TimelineGroup, own: StepCell, other: StepCell): string {
  const [first, second] = [own, other].map(({ startMs, endMs }) => endMs - startMs) as [number, number];
  const [predicted, measured] = title === "measured" ? [second, first] : [first, second];
  return predicted > 0 ? `, ${formatDifference(predicted, measured)}` : "";
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

/** What is behind the bars of a row: the span, the update, the strip of the three phases of a step. */
export function laneBack({ spanMs }: StepView, row: StepRow, y: number, endMs: number): Markup {
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

/** Ticks over the whole height. */
export function axis({ endMs, height }: TimelinePlan): Markup {
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
