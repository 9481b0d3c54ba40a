/** @file Tables that fit the terminal. What stands in them is text of one line, whatever names it was made of. */
import { oneLine } from "../../../compiler/names.js";

/** A column. One column of a table may be `flexible`: it gives up width when the table is too wide. */
export interface TableColumn {
  readonly title: string;
  readonly align?: "left" | "right";
  readonly flexible?: boolean;
}

const GAP = "  ";
/** Where even that is too wide. */
const NARROW_GAP = " ";
const ELLIPSIS = "…";
const LEAST_FLEXIBLE = 6;

/**
 * Lines of text, the header first, each ended by a newline.
 * Requires: as many cells in each row as columns. Ensures: no line is longer than `width` if the flexible column and
 * narrower gaps can give way.
 */
export function renderTable(
  columns: readonly TableColumn[],
  content: readonly (readonly string[])[],
  width: number,
): string {
  const rows = content.map((row) => row.map(oneLine));
  const widths = columns.map(({ title }, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const total = (gap: string): number => widths.reduce((sum, own) => sum + own, 0) + gap.length * (columns.length - 1);
  const flexible = columns.findIndex((column) => column.flexible);
  const over = total(GAP) - width;
  if (over > 0 && flexible >= 0)
    widths[flexible] = Math.min(widths[flexible]!, Math.max(LEAST_FLEXIBLE, widths[flexible]! - over));
  const gap = total(GAP) > width ? NARROW_GAP : GAP;
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const text = shorten(cell, widths[column]!);
        return columns[column]!.align === "right" ? text.padStart(widths[column]!) : text.padEnd(widths[column]!);
      })
      .join(gap)
      .trimEnd() + "\n";
  return [columns.map(({ title }) => title), ...rows].map(line).join("");
}

/**
 * Names with their descriptions beside them, wrapped at words. Each line ends with a newline. Descriptions begin at
 * `least`, or further right if a name is longer.
 */
export function renderList(facts: readonly Fact[], width: number, least = 0): string {
  const items = facts.map(([name, about]): Fact => [oneLine(name), oneLine(about)]);
  const indent = Math.max(least, ...items.map(([name]) => name.length + GAP.length));
  const lines = items.flatMap(([name, about]) =>
    wrap(about, width - indent).map((part, at) => (at === 0 ? name : "").padEnd(indent) + part),
  );
  return lines.map((line) => `${line}\n`).join("");
}

/** A thing that is told, and what of it. */
export type Fact = readonly [name: string, about: string];

/** Where the second column of facts begins, so that blocks of them stand under each other. */
const FACT_INDENT = 12;

/** `renderList` with the same second column for every short list. */
export function renderFacts(facts: readonly Fact[], width: number): string {
  return renderList(facts, width, FACT_INDENT);
}

/** Lines of at most `width` characters, broken at spaces; a longer word stands alone. */
export function wrap(text: string, width: number): readonly string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    if (last === "") lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => line.trimEnd());
}

/** The text, with its middle left out if it is longer than `width`: names differ at both ends. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const tail = Math.floor((width - 1) / 2);
  return text.slice(0, width - 1 - tail) + ELLIPSIS + (tail > 0 ? text.slice(-tail) : "");
}

/** A bar of `width` cells, filled to `share`. */
export function renderBar(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return "█".repeat(filled) + "░".repeat(width - filled);
}
