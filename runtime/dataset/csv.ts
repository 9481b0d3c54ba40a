/**
 * @file Tables of numbers with a header line. The column `x` gives the array x [rows]; the columns `x.0`, `x.1`, …
 * give x [rows, columns]. Fields may be quoted; there are no quotes inside fields.
 */
import { PipewrightError } from "../../compiler/errors.js";
import { plainName } from "../../compiler/names.js";
import type { FileArray, FileArrays } from "./array.js";
import { broken, textOf } from "./array.js";

/** What other readers of tables take for a number too: decimal, no hexadecimal, no empty cell. */
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
/** Columns of a table; each is an object while the table is read. */
const MOST_COLUMNS = 1_000_000;
const ELEMENT_BYTES = 8;

/** A column family: the columns that make one array. */
interface Family {
  readonly name: string;
  readonly columns: readonly number[];
  readonly flat: boolean;
}

/** Reads all arrays as float64. @throws ARTEFACT_MISMATCH naming `file` and the line, LIMIT_EXCEEDED past `limitBytes` of elements. */
export function readCsv(file: string, bytes: Uint8Array, limitBytes: number): FileArrays {
  const text = textOf(file, bytes).trimEnd();
  const title = text.slice(0, lineEnd(text, 0));
  const rows = countOf(text, "\n");
  if (rows < 1) throw broken(file, "expected a header line and at least one line of numbers.");
  const width = 1 + countOf(title, ",");
  if (width > MOST_COLUMNS) throw tooLarge(file, `${width} columns`, `${MOST_COLUMNS}`);
  if (rows * width * ELEMENT_BYTES > limitBytes)
    throw tooLarge(file, `${rows * width * ELEMENT_BYTES} bytes of elements`, `${limitBytes}`);
  const titles = fields(title);
  const groups = families(file, titles);
  const arrays = groups.map(({ columns }) => new Float64Array(rows * columns.length));
  /** Of each column its array and its place in a row of that. */
  const places = titles.map(() => ({ array: 0, at: 0 }));
  for (const [array, { columns }] of groups.entries())
    for (const [at, column] of columns.entries()) places[column] = { array, at };
  for (let row = 0, start = title.length + 1; row < rows; row++) {
    const end = lineEnd(text, start);
    const line = text.slice(start, end);
    const found = 1 + countOf(line, ",");
    if (found !== width) throw broken(file, `line ${row + 2} has ${found} fields; expected ${width} as in the header.`);
    for (const [column, cell] of fields(line).entries()) {
      const { array, at } = places[column]!;
      if (!NUMBER.test(cell)) throw noNumber(file, row + 2, titles[column]!, cell);
      arrays[array]![row * groups[array]!.columns.length + at] = Number(cell);
    }
    start = end + 1;
  }
  return new Map(
    groups.map(({ name, flat, columns }, array): [string, FileArray] => [
      name,
      { dtype: "float64", shape: flat ? [rows] : [rows, columns.length], bytes: new Uint8Array(arrays[array]!.buffer) },
    ]),
  );
}

/** Where the line ends that begins at `start`, without its line feed. */
function lineEnd(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end;
}

function countOf(text: string, letter: string): number {
  let count = 0;
  for (let at = text.indexOf(letter); at >= 0; at = text.indexOf(letter, at + 1)) count++;
  return count;
}

function fields(line: string): readonly string[] {
  return line.split(",").map((field) => field.trim().replace(/^"(.*)"$/, "$1"));
}

/** Groups columns by the part of their name before the last dot, if a number follows it. */
function families(file: string, header: readonly string[]): readonly Family[] {
  const groups = new Map<string, { columns: number[]; flat: boolean }>();
  for (const [column, title] of header.entries()) {
    const numbered = /^(.+)\.(\d+)$/.exec(title);
    const name = numbered ? numbered[1]! : title;
    const group = groups.get(name) ?? { columns: [], flat: !numbered };
    const expected = numbered ? Number(numbered[2]) : 0;
    if (group.columns.length !== expected || group.flat === Boolean(numbered)) {
      const shown = plainName(name);
      throw broken(file, `column ${plainName(title)} is out of order; expected ${shown}.0, ${shown}.1, … once each.`);
    }
    group.columns.push(column);
    groups.set(name, group);
  }
  return [...groups].map(([name, group]) => ({ name, ...group }));
}

/** Longest cell that a message shows. */
const SHOWN_CHARACTERS = 120;

function noNumber(file: string, line: number, title: string, cell: string): PipewrightError {
  const shown = JSON.stringify(cell.slice(0, SHOWN_CHARACTERS));
  return broken(file, `line ${line}, column ${plainName(title)}: got ${shown}, expected a number.`);
}

function tooLarge(file: string, got: string, most: string): PipewrightError {
  return new PipewrightError(
    "LIMIT_EXCEEDED",
    `data file ${file}: the table is too large; got ${got}, expected at most ${most}. Split the file, or save it as .npz.`,
    { file },
  );
}
