/**
 * @file A timeline as a Gantt chart in SVG: a row per device, a block per action with the number of its microbatch. The
 * ground of a row shows through where the device waits, and tells what part of the batch it is in: warm-up, steady or
 * cool-down. One path per colour, so that 100,000 actions stay one reasonable file; numbers appear where there is room.
 */
import type { Action, Schedule } from "./action.js";
import type { Timeline } from "./simulate.js";
import { PARTS, PART_COLOUR, colourOf, inkOn } from "./svg-colours.js";
import { FRAME, axis, legend, round, title } from "./svg-frame.js";

/** Size and words of the drawing. */
export interface SvgOptions {
  /** Width in px. Default: as wide as the numbers need, within 960 to 2400. */
  readonly width?: number;
  /** Unit of the times. Default "ms". */
  readonly unit?: string;
}
const LEAST_WIDTH = 960;
const MOST_WIDTH = 2400;
/** Widths of a digit in the two sizes of numbers. */
const DIGIT = { large: 6.6, small: 5.2 } as const;
/** Up to this many blocks have round corners. */
const MOST_ROUND = 4000;
const RADIUS = 2.5;

/** Requires: `timeline` is of this schedule. */
export function scheduleSvg(schedule: Schedule, timeline: Timeline, options: SvgOptions = {}): string {
  const { width = fittingWidth(schedule, timeline), unit = "ms" } = options;
  const scale = (width - FRAME.left - FRAME.right) / Math.max(timeline.makespanMs, Number.MIN_VALUE);
  const x = (ms: number) => round(FRAME.left + ms * scale);
  const [name, ...heading] = title(schedule, timeline, unit);
  const bottom = FRAME.top + schedule.devices * FRAME.row;
  const grounds: string[] = [];
  const labels: string[] = [];
  const blocks = new Blocks(schedule);
  schedule.rows.forEach((row, d) => {
    const y = FRAME.top + d * FRAME.row;
    const middle = y + FRAME.block / 2 + 4;
    labels.push(`<text class="label" x="${FRAME.left - 8}" y="${middle}">d${d}</text>`);
    const idle = timeline.makespanMs > 0 ? 1 - timeline.busyMs[d]! / timeline.makespanMs : 0;
    labels.push(`<text class="idle" x="${width - FRAME.right + 8}" y="${middle}">${(100 * idle).toFixed(1)} %</text>`);
    for (const { part, from, to } of partsOf(row, timeline.startMs[d]!, timeline.endMs[d]!))
      grounds.push(`<path fill="${PART_COLOUR[part]}" d="M${x(from)} ${y}H${x(to)}v${FRAME.block}H${x(from)}Z"/>`);
    row.forEach((action, i) => {
      const half = halfOf(schedule, timeline, d, i);
      const top = half === 1 ? y + FRAME.block / 2 : y;
      const tall = half === undefined ? FRAME.block : FRAME.block / 2;
      blocks.add(action, { from: x(timeline.startMs[d]![i]!), to: x(timeline.endMs[d]![i]!), top, tall });
    });
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + FRAME.foot}" width="${width}" height="${bottom + FRAME.foot}" role="img" font-family="system-ui, 'DejaVu Sans', sans-serif">`,
    name,
    `<style>text{font-size:11px;text-anchor:middle;fill:#fff}.dark{fill:#26323d}.small{font-size:8.5px}.label{fill:#26323d;text-anchor:end}.idle,.axis{fill:#6a7681}.idle,.start{text-anchor:start}.start{fill:#26323d}.head{font-size:15px;font-weight:600}</style>`,
    `<rect width="${width}" height="${bottom + FRAME.foot}" fill="#fff"/>`,
    ...heading,
    ...legend(schedule, width),
    ...axis(timeline.makespanMs, x, bottom, unit),
    ...grounds,
    ...blocks.paths(),
    ...labels,
    ...blocks.texts,
    "</svg>",
    "",
  ].join("\n");
}

/** Wide enough for the numbers on the shorter blocks. */
function fittingWidth({ microbatches }: Schedule, { startMs, endMs, makespanMs }: Timeline): number {
  const lengths = startMs.flatMap((starts, d) => Array.from(starts, (start, i) => endMs[d]![i]! - start));
  const positive = lengths.filter((ms) => ms > 0).sort((a, b) => a - b);
  const short = positive[Math.floor(positive.length / 20)] ?? makespanMs;
  const needed = (String(microbatches - 1).length * DIGIT.small + 3) / short;
  const width = Math.ceil(FRAME.left + FRAME.right + needed * makespanMs);
  return Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, Number.isFinite(width) ? width : LEAST_WIDTH));
}

interface Box {
  readonly from: number;
  readonly to: number;
  readonly top: number;
  readonly tall: number;
}

/** Blocks by colour, and the numbers on them. */
class Blocks {
  readonly texts: string[] = [];
  private readonly byColour = new Map<string, string[]>();
  private readonly localOf: readonly number[];
  private readonly isRound: boolean;

  constructor({ placement, rows }: Schedule) {
    const counts = new Map<number, number>();
    this.localOf = placement.map((device) => {
      const local = counts.get(device) ?? 0;
      counts.set(device, local + 1);
      return local;
    });
    this.isRound = rows.reduce((sum, row) => sum + row.length, 0) <= MOST_ROUND;
  }

  add({ phase, stage, microbatch }: Action, { from, to, top, tall }: Box): void {
    const local = this.localOf[stage]!;
    const colour = colourOf(phase, local);
    const shapes = this.byColour.get(colour);
    const shape = this.outline(from, to, top, tall);
    if (shapes) shapes.push(shape);
    else this.byColour.set(colour, [shape]);
    const text = `${microbatch}`;
    const isLarge = tall === FRAME.block && to - from > text.length * DIGIT.large + 3;
    if (!isLarge && to - from <= text.length * DIGIT.small + 1) return;
    const classes = [...(inkOn(phase, local) === "dark" ? ["dark"] : []), ...(isLarge ? [] : ["small"])];
    const style = classes.length > 0 ? ` class="${classes.join(" ")}"` : "";
    const y = top + tall / 2 + (isLarge ? 4 : 3);
    this.texts.push(`<text${style} x="${round((from + to) / 2)}" y="${y}">${text}</text>`);
  }

  paths(): string[] {
    return [...this.byColour].map(([colour, shapes]) => `<path fill="${colour}" d="${shapes.join("")}"/>`);
  }

  /** Half a pixel is left free on each side, so that neighbours stay apart. */
  private outline(from: number, to: number, top: number, tall: number): string {
    const [left, right] = to - from > 2 ? [round(from + 0.5), round(to - 0.5)] : [from, to];
    if (!this.isRound || right - left < 2 * RADIUS) return `M${left} ${top}H${right}v${tall}H${left}Z`;
    const r = RADIUS;
    const corner = (dx: number, dy: number) => `a${r} ${r} 0 0 1 ${dx} ${dy}`;
    return `M${round(left + r)} ${top}H${round(right - r)}${corner(r, r)}v${tall - 2 * r}${corner(-r, r)}H${round(left + r)}${corner(-r, -r)}v${2 * r - tall}${corner(r, -r)}Z`;
  }
}

/** Which half of an overlapped pair it is, if the two run at the same time. */
function halfOf({ pairs }: Schedule, { startMs, endMs }: Timeline, d: number, i: number): 0 | 1 | undefined {
  const half = pairs?.[d]?.includes(i) ? 0 : pairs?.[d]?.includes(i - 1) ? 1 : undefined;
  if (half === undefined) return undefined;
  const first = i - half;
  const isTogether = startMs[d]![first] === startMs[d]![first + 1] && endMs[d]![first] === endMs[d]![first + 1];
  return isTogether ? half : undefined;
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
