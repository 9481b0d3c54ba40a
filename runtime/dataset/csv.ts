/**
 * @file Tables of numbers with a header line. The column `x` gives the array x [rows]; the columns `x.0`, `x.1`, …
 * give x [rows, columns]. Fields may be quoted; there are no quotes inside fields.
 */
import type { FileArray, FileArrays } from "./array.js";
import { broken, textOf } from "./array.js";

/** What other readers of tables take for a number too: decimal, no hexadecimal, no empty cell. */
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** A column family: the columns that make one array. */
interface Family {
  readonly name: string;
  readonly columns: readonly number[];
  readonly flat: boolean;
}

/** Reads all arrays as float64. @throws ARTEFACT_MISMATCH naming `file` and the line. */
export function readCsv(file: string, bytes: Uint8Array): FileArrays {
  const lines = textOf(file, bytes).split(/\r?\n/);
  while (lines.length > 0 && lines.at(-1)!.trim() === "") lines.pop();
  if (lines.length < 2) throw broken(file, "expected a header line and at least one line of numbers.");
  const header = fields(lines[0]!);
  const rows = lines.length - 1;
  const odd = lines.findIndex((line) => fieldCount(line) !== header.length);
  if (odd >= 0) {
    throw broken(
      file,
      `line ${odd + 1} has ${fieldCount(lines[odd]!)} fields; expected ${header.length} as in the header.`,
    );
  }
  const table = new Float64Array(rows * header.length);
  for (let row = 0; row < rows; row++) {
    const cells = fields(lines[row + 1]!);
    for (const [column, cell] of cells.entries()) {
      const number = Number(cell);
      if (!NUMBER.test(cell)) {
        throw broken(
          file,
          `line ${row + 2}, column ${header[column]}: got ${JSON.stringify(cell)}, expected a number.`,
        );
      }
      table[row * header.length + column] = number;
    }
  }
  const arrays = new Map<string, FileArray>();
  for (const family of families(file, header)) {
    const width = family.columns.length;
    const elements = new Float64Array(rows * width);
    for (let row = 0; row < rows; row++) {
      for (const [at, column] of family.columns.entries())
        elements[row * width + at] = table[row * header.length + column]!;
    }
    const shape = family.flat ? [rows] : [rows, width];
    arrays.set(family.name, { dtype: "float64", shape, bytes: new Uint8Array(elements.buffer) });
  }
  return arrays;
}

function fieldCount(line: string): number {
  let count = 1;
  for (let at = line.indexOf(","); at >= 0; at = line.indexOf(",", at + 1)) count++;
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
      throw broken(file, `column ${title} is out of order; expected ${name}.0, ${name}.1, … once each.`);
    }
    group.columns.push(column);
    groups.set(name, group);
  }
  return [...groups].map(([name, group]) => ({ name, ...group }));
}
