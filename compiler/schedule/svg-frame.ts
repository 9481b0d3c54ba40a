/** @file What stands around the rows of a picture of a schedule: title, legend, axis. */
import { oneLine } from "../names.js";
import type { Schedule } from "./action.js";
import type { Timeline } from "./simulate.js";
import { PARTS, PART_COLOUR, PHASES, colourOf } from "./svg-colours.js";

/** Where things are, in px. */
export const FRAME = { left: 44, right: 56, top: 66, row: 30, block: 24, foot: 34 } as const;
const LETTER = 6;
const TICKS = 12;

/** To a hundredth of a px. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The name of the picture; then its heading: sizes, and under them the figures. */
export function title(schedule: Schedule, timeline: Timeline, unit: string): [name: string, ...heading: string[]] {
  const { devices, stages, microbatches } = schedule;
  const { makespanMs, spanMs, bubble, spanBubble } = timeline;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const sizes = `${devices} devices, ${stages} stages, ${microbatches} microbatches`;
  const head = escape(`${schedule.name}: ${sizes}`);
  const figures = `step ${round(makespanMs)} ${unit}, bubble ${percent(bubble)} of it (makespan), ${percent(spanBubble)} of ${round(spanMs)} ${unit} (span)`;
  return [
    `<title>${head}; ${figures}</title>`,
    `<text class="start head" x="${FRAME.left}" y="20">${head}</text>`,
    `<text class="start" x="${FRAME.left}" y="37">${figures}</text>`,
  ];
}

/** Phases that occur, shades of stages if a device has several, parts of the batch, and what the right margin tells. */
export function legend({ rows, stages, devices, replicas = 1 }: Schedule, width: number): string[] {
  const used = new Set(rows.flat().map(({ phase }) => phase));
  let x: number = FRAME.left;
  const entry = (colours: readonly string[], name: string): string => {
    const marks = colours.map(
      (colour, k) => `<rect x="${round(x + 12 * k)}" y="46" width="11" height="11" rx="2" fill="${colour}"/>`,
    );
    x += 12 * colours.length + 4;
    const text = `<text class="start" x="${round(x)}" y="55.5">${name}</text>`;
    x += name.length * LETTER + 14;
    return marks.join("") + text;
  };
  const phases = PHASES.filter(({ phase }) => used.has(phase));
  const entries = [
    ...phases.map(({ phase, name }) => entry([colourOf(phase, 0)], name)),
    ...(stages > devices && phases[0]
      ? [
          entry(
            [0, 1].map((local) => colourOf(phases[0]!.phase, local)),
            replicas > 1 ? "lighter: other copy" : "lighter: later stage",
          ),
        ]
      : []),
    ...PARTS.map((part) => entry([PART_COLOUR[part]], part)),
  ];
  const idle = `<text class="idle" x="${width - FRAME.right + 8}" y="55.5">idle</text>`;
  return [...entries, idle];
}

/** Lines through the rows at 1, 2 or 5 times a power of ten, with their times below. */
export function axis(makespanMs: number, x: (ms: number) => number, bottom: number, unit: string): string[] {
  if (!(makespanMs > 0)) return [];
  const rough = makespanMs / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const ticks = Array.from({ length: Math.floor(makespanMs / step + 1e-9) + 1 }, (_, k) => k * step);
  return ticks.map((ms, k) => {
    const named = k === ticks.length - 1 ? ` ${unit}` : "";
    return `<path d="M${x(ms)} ${FRAME.top - 4}V${bottom + 2}" stroke="#d5dae0"/><text class="axis" x="${x(ms)}" y="${bottom + 16}">${Number(ms.toPrecision(6))}${named}</text>`;
  });
}

function escape(text: string): string {
  return oneLine(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
