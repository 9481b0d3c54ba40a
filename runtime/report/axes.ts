/** @file A picture over two axes with round ticks: curves, areas between curves, dots. Across in shares of the width. */
import type { Markup } from "./markup.js";
import { markup } from "./markup.js";

/** Of the plot, in px. */
const HEIGHT = 190;
const X_TICKS = 5;
const Y_TICKS = 4;
/** Part of the range that stays free above and below. */
const ROOM = 0.04;

export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly format: (value: number) => string;
  /** Whether only whole numbers have a tick. */
  readonly isWhole?: boolean;
}

/** Values of both axes. */
export type Place = readonly [x: number, y: number];

/** A line through places. `kind` is a class of the style sheet. */
export interface Curve {
  readonly kind: string;
  readonly places: readonly Place[];
}

/** A mark with what is said of it. */
export interface Dot {
  readonly kind: string;
  readonly place: Place;
  readonly title: string;
}

export interface Chart {
  readonly x: Axis;
  readonly y: Axis;
  /** What a screen reader says of it all. */
  readonly about: string;
  /** Closed outlines behind the curves. */
  readonly areas?: readonly Curve[];
  readonly curves: readonly Curve[];
  readonly dots?: readonly Dot[];
}

/** The chart. The scale of an axis without a range is one unit wide. */
export function chart({ x, y, about, areas = [], curves, dots = [] }: Chart): Markup {
  const spanX = x.to - x.from || 1;
  const spanY = (y.to - y.from || 1) * (1 + 2 * ROOM);
  const lowY = y.from - (y.to - y.from || 1) * ROOM;
  const across = (value: number): number => ((value - x.from) / spanX) * 100;
  const down = (value: number): number => (1 - (value - lowY) / spanY) * HEIGHT;
  const points = ({ places }: Curve): string =>
    places.map(([at, value]) => `${hundredth(across(at))},${hundredth((down(value) / HEIGHT) * 100)}`).join(" ");
  const names = ticks(y, Y_TICKS).map((value) => ({ text: y.format(value), at: down(value) }));
  const feet = ticks(x, X_TICKS).map((value) => ({ text: x.format(value), at: across(value) }));
  const footKind = (at: number): string => (at < 4 ? "begin" : at > 94 ? "end" : "middle");
  return markup`<div class="chart" role="img" aria-label="${about}"><svg class="side" width="64" height="${HEIGHT + 22}" aria-hidden="true">${names.map(({ text, at }) => markup`<text x="58" y="${at + 4}">${text}</text>`)}</svg><svg class="plot" width="100%" height="${HEIGHT + 22}" aria-hidden="true">${names.map(({ at }) => markup`<line class="grid" x1="0" x2="100%" y1="${at}" y2="${at}"/>`)}<svg class="curves" width="100%" height="${HEIGHT}" viewBox="0 0 100 100" preserveAspectRatio="none">${areas.map((area) => markup`<polygon class="${area.kind}" points="${points(area)}"/>`)}${curves.map((curve) => markup`<polyline class="${curve.kind}" points="${points(curve)}"/>`)}</svg>${dots.map(({ kind, place: [at, value], title }) => markup`<circle class="${kind}" cx="${hundredth(across(at))}%" cy="${down(value)}" r="4"><title>${title}</title></circle>`)}<line class="base" x1="0" x2="100%" y1="${HEIGHT}" y2="${HEIGHT}"/>${feet.map(({ text, at }) => markup`<text class="${footKind(at)}" x="${hundredth(at)}%" y="${HEIGHT + 17}">${text}</text>`)}</svg></div>`;
}

/** The stair through places: each value holds until the next, the last one until `endX`. */
export function stair(places: readonly Place[], endX: number): readonly Place[] {
  return places.flatMap(([x, y], at) => [[x, y] as const, [places[at + 1]?.[0] ?? endX, y] as const]);
}

/** Round values within an axis, about `count` of them. */
export function ticks(
  { from, to, isWhole = false }: Pick<Axis, "from" | "to" | "isWhole">,
  count: number,
): readonly number[] {
  if (!(to > from)) return [from];
  const wanted = tickStep(to - from, count);
  const step = isWhole ? Math.max(1, Math.round(wanted)) : wanted;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
}

/** A step for ticks, 1, 2 or 5 times a power of ten, that gives about `count` of them. */
export function tickStep(range: number, count: number): number {
  const rough = range / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999)!;
}

function hundredth(number: number): number {
  return Math.round(number * 100) / 100;
}
