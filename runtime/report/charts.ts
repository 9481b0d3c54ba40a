/** @file Small pictures: stacked bars per device, loads against a bound; what a long line is thinned to. */
import type { Markup } from "./markup.js";
import { markup } from "./markup.js";

const ROW = { height: 20, gap: 12, names: 84 } as const;
/** Most points of a line; a longer one is thinned to the extremes of equal parts. */
const MOST_POINTS = 600;

/** A part of a bar. `kind` is a class of the style sheet. */
export interface BarPart {
  readonly kind: string;
  readonly title: string;
  readonly value: number;
}

export interface StackedBar {
  readonly name: string;
  readonly parts: readonly BarPart[];
  /** A limit, drawn as a line. */
  readonly limit?: number;
  /** Written behind the bar. */
  readonly note: string;
}

/** The scale on which all bars fit. */
export function scaleOf(bars: readonly StackedBar[]): number {
  const total = ({ parts }: StackedBar): number => parts.reduce((sum, { value }) => sum + value, 0);
  return bars.reduce((top, bar) => Math.max(top, total(bar), bar.limit ?? 0), 0) || 1;
}

/**
 * Bars, each with its name before and its note behind. `about`: what a screen reader says of it all; `most`: the value
 * that fills the width.
 */
export function stackedBars(bars: readonly StackedBar[], about: string, most = scaleOf(bars)): Markup {
  const rows = bars.map((bar) => {
    let start = 0;
    const rects = bar.parts.map(({ kind, title, value }) => {
      const x = percent(start / most);
      start += value;
      return value <= 0
        ? undefined
        : markup`<rect class="${kind}" x="${x}" y="0" width="${percent(value / most)}" height="${ROW.height}"><title>${title}</title></rect>`;
    });
    const at = bar.limit === undefined ? undefined : percent(bar.limit / most);
    const limit =
      at === undefined ? undefined : markup`<line class="limit" x1="${at}" y1="-3" x2="${at}" y2="${ROW.height + 3}"/>`;
    return markup`<div class="row"><span class="name">${bar.name}</span><svg width="100%" height="${ROW.height}" aria-hidden="true">${rects}${limit}</svg><span class="note">${bar.note}</span></div>\n`;
  });
  return markup`<div class="bars" role="img" aria-label="${about}">${rows}</div>`;
}

/** A legend of classes with their meaning. */
export function legend(items: readonly (readonly [kind: string, meaning: string])[]): Markup {
  return markup`<ul class="legend">${items.map(([kind, meaning]) => markup`<li><span class="${`swatch ${kind}`}"></span>${meaning}</li>`)}</ul>`;
}

/** Place and value of points to draw: of each of equal parts the least and the largest, in their order. */
export function thinned(values: readonly number[]): readonly (readonly [at: number, value: number])[] {
  if (values.length <= MOST_POINTS) return values.map((value, at) => [at, value]);
  const parts = MOST_POINTS / 2;
  return Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * values.length) / parts);
    const to = Math.floor(((part + 1) * values.length) / parts);
    let [least, most] = [from, from];
    for (let at = from; at < to; at++) {
      if (values[at]! < values[least]!) least = at;
      if (values[at]! > values[most]!) most = at;
    }
    return [...new Set([least, most])].sort((a, b) => a - b).map((at) => [at, values[at]!] as const);
  }).flat();
}

function percent(share: number): string {
  return `${Math.round(share * 1e6) / 1e4}%`;
}
