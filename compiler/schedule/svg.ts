/**
 * @file A timeline as a Gantt chart in SVG: a row per device, a block per action with the number of its microbatch,
 * and under each row what part of the batch it is in: warm-up, steady or cool-down. One path per colour, so that
 * 100,000 actions stay one reasonable file; numbers appear where there is room for them.
 */
import type { Action, Phase, Schedule } from "./action.js";
import type { Timeline } from "./simulate.js";

/** Size of the drawing. */
export interface SvgOptions {
  /** Width of the chart in px. Default 1200. */
  readonly width?: number;
}

const ROW = 26;
const BLOCK = 18;
const LEFT = 44;
const TOP = 44;
const FOOT = 30;
const DIGIT = 6.5;

/** Legend order. Later stages of a device are drawn lighter. */
const PHASES: readonly { readonly phase: Phase; readonly name: string; readonly hue: number }[] = [
  { phase: "F", name: "forward", hue: 214 },
  { phase: "B", name: "backward", hue: 24 },
  { phase: "I", name: "input gradient", hue: 160 },
  { phase: "W", name: "weight gradient", hue: 276 },
];
const PARTS = ["warm-up", "steady", "cool-down"] as const;
const PART_COLOUR = { "warm-up": "#9db8dc", steady: "#5a6b7b", "cool-down": "#e0b48f" } as const;

/** Requires: `timeline` is of this schedule. */
export function scheduleSvg(schedule: Schedule, timeline: Timeline, { width = 1200 }: SvgOptions = {}): string {
  const scale = (width - LEFT - 12) / Math.max(timeline.makespanMs, Number.MIN_VALUE);
  const x = (ms: number) => round(LEFT + ms * scale);
  const height = TOP + schedule.devices * ROW + FOOT;
  const title = `${schedule.name}: ${schedule.devices} devices, ${schedule.microbatches} microbatches, makespan ${round(timeline.makespanMs)} ms, bubble ${(100 * timeline.bubble).toFixed(1)} %`;
  const blocks = new Map<string, string[]>();
  const texts: string[] = [];
  const rows: string[] = [];
  schedule.rows.forEach((row, d) => {
    const y = TOP + d * ROW;
    rows.push(`<text class="label" x="${LEFT - 8}" y="${y + 13}" text-anchor="end">d${d}</text>`);
    row.forEach((action, i) => {
      const [from, to] = [x(timeline.startMs[d]![i]!), x(timeline.endMs[d]![i]!)];
      const half = schedule.pairs?.[d]?.includes(i) ? 0 : schedule.pairs?.[d]?.includes(i - 1) ? 1 : undefined;
      const overlapped = half !== undefined && isTogether(timeline, d, half === 0 ? i : i - 1);
      const top = overlapped && half === 1 ? y + BLOCK / 2 : y;
      const tall = overlapped ? BLOCK / 2 : BLOCK;
      const colour = colourOf(action, schedule);
      if (!blocks.has(colour)) blocks.set(colour, []);
      blocks.get(colour)!.push(`M${from} ${top}H${to}V${top + tall}H${from}Z`);
      const text = `${action.microbatch}`;
      if (to - from > text.length * DIGIT + 2)
        texts.push(
          overlapped
            ? `<text class="half" x="${round((from + to) / 2)}" y="${top + 7.5}">${text}</text>`
            : `<text x="${round((from + to) / 2)}" y="${y + 13}">${text}</text>`,
        );
    });
    for (const { part, from, to } of partsOf(row, timeline.startMs[d]!, timeline.endMs[d]!))
      rows.push(`<path d="M${x(from)} ${y + BLOCK + 3}H${x(to)}" stroke="${PART_COLOUR[part]}" stroke-width="2.5"/>`);
  });
  const paths = [...blocks].map(
    ([colour, shapes]) => `<path fill="${colour}" stroke="#fff" stroke-width=".6" d="${shapes.join("")}"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif">`,
    `<title>${escape(title)}</title>`,
    `<style>text{font-size:11px;text-anchor:middle;fill:#fff}.half{font-size:8px}.label,.axis{fill:#333;text-anchor:start}.label{text-anchor:end}.axis{text-anchor:middle;fill:#666}</style>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text class="label" style="text-anchor:start;font-size:13px" x="8" y="17">${escape(title)}</text>`,
    ...legend(schedule),
    ...rows,
    ...paths,
    ...texts,
    ...axis(timeline.makespanMs, x, TOP + schedule.devices * ROW + 8),
    "</svg>",
    "",
  ].join("\n");
}

function isTogether({ startMs, endMs }: Timeline, d: number, i: number): boolean {
  return startMs[d]![i] === startMs[d]![i + 1] && endMs[d]![i] === endMs[d]![i + 1];
}

function colourOf({ stage, phase }: Action, { placement }: Schedule): string {
  const device = placement[stage];
  const local = placement.reduce((count, d, s) => count + (d === device && s < stage ? 1 : 0), 0);
  const { hue } = PHASES.find((entry) => entry.phase === phase)!;
  return `hsl(${hue} 52% ${Math.min(66, 42 + 12 * local)}%)`;
}

/** Warm-up: until the first backward. Cool-down: after the last forward. */
function partsOf(row: readonly Action[], starts: Float64Array, ends: Float64Array) {
  const firstBackward = row.findIndex(({ phase }) => phase !== "F");
  const lastForward = row.findLastIndex(({ phase }) => phase === "F");
  if (row.length === 0 || firstBackward < 0) return [];
  const bounds = [
    starts[0]!,
    starts[firstBackward]!,
    Math.max(ends[lastForward]!, starts[firstBackward]!),
    ends.at(-1)!,
  ];
  return PARTS.map((part, k) => ({ part, from: bounds[k]!, to: bounds[k + 1]! })).filter(({ from, to }) => to > from);
}

function legend({ rows }: Schedule): string[] {
  const used = new Set(rows.flat().map(({ phase }) => phase));
  let x = LEFT;
  const entry = (colour: string, name: string, thin: boolean): string => {
    const mark = `<rect x="${x}" y="${thin ? 31 : 27}" width="12" height="${thin ? 2.5 : 10}" fill="${colour}"/>`;
    const text = `<text class="label" style="text-anchor:start" x="${x + 17}" y="36">${name}</text>`;
    x += 17 + name.length * DIGIT + 18;
    return mark + text;
  };
  return [
    ...PHASES.filter(({ phase }) => used.has(phase)).map(({ name, hue }) => entry(`hsl(${hue} 52% 42%)`, name, false)),
    ...PARTS.map((part) => entry(PART_COLOUR[part], part, true)),
  ];
}

/** About ten ticks at 1, 2 or 5 times a power of ten. */
function axis(makespanMs: number, x: (ms: number) => number, y: number): string[] {
  if (!(makespanMs > 0)) return [];
  const rough = makespanMs / 10;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const ticks = Array.from({ length: Math.floor(makespanMs / step + 1e-9) + 1 }, (_, k) => k * step);
  return ticks.map((ms, k) => {
    const unit = k === ticks.length - 1 ? " ms" : "";
    return `<path d="M${x(ms)} ${y - 6}v4" stroke="#999"/><text class="axis" x="${x(ms)}" y="${y + 9}">${Number(ms.toPrecision(6))}${unit}</text>`;
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
