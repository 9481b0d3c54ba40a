/**
 * @file Parquet tables, decoded by hyparquet. A column of numbers or booleans gives the array of its name [rows]; a
 * column of lists of one length k gives [rows, k]. Pages may be uncompressed or packed by Snappy, GZIP or Brotli.
 * Damaged bytes can keep the library busy for ever: parquet.ts runs this in a thread that it can end.
 */
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { PipewrightError } from "../../compiler/errors.js";
import type { DType } from "../../compiler/ir/graph.js";
import { formatName } from "../../compiler/names.js";
import { allocateElements, elementBytes } from "../../compiler/ir/literal.js";
import type { FileArray, FileArrays } from "./array.js";
import { broken } from "./array.js";

/** Element types by the physical type of a column. */
const TYPES = {
  BOOLEAN: "bool",
  INT32: "int32",
  INT64: "int64",
  FLOAT: "float32",
  DOUBLE: "float64",
} as const satisfies Readonly<Record<string, DType>>;

type Cell = number | bigint | boolean | null | readonly Cell[];

/** What is decoded. */
export interface ParquetSource {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly limitBytes: number;
}

/** Decodes all columns. @throws ARTEFACT_MISMATCH naming `file` and the column, LIMIT_EXCEEDED past `limitBytes` of elements. */
export async function run({ file, bytes, limitBytes }: ParquetSource): Promise<FileArrays> {
  const { parquetMetadata, parquetRead, parquetSchema } = await import("hyparquet");
  const content = bytes.slice().buffer;
  let table: readonly (readonly Cell[])[] = [];
  let types: ReadonlyMap<string, string>;
  let rows: number;
  try {
    const metadata = parquetMetadata(content);
    rows = Number(metadata.num_rows);
    if (!(rows >= 0)) throw broken(file, `not a readable Parquet file; got ${rows} rows.`);
    types = new Map(parquetSchema(metadata).children.map((column) => [column.element.name, leafType(column)]));
    refuseSize(file, rows * types.size * 8, limitBytes);
    await parquetRead({
      file: content,
      metadata,
      compressors: {
        GZIP: (page, length) => new Uint8Array(gunzipSync(page, { maxOutputLength: length + 1 })),
        BROTLI: (page, length) => new Uint8Array(brotliDecompressSync(page, { maxOutputLength: length + 1 })),
      },
      onComplete: (all) => {
        table = all as Cell[][];
      },
    });
  } catch (error) {
    if (error instanceof PipewrightError) throw error;
    throw broken(file, `not a readable Parquet file; ${error instanceof Error ? error.message : String(error)}.`);
  }
  if (table.length !== rows)
    throw broken(file, `not a readable Parquet file; got ${table.length} rows, expected ${rows}.`);
  return new Map(
    [...types].map(([name, type], column) => [
      name,
      columnArray(
        { file, limitBytes },
        name,
        type,
        table.map((row) => row[column] ?? null),
      ),
    ]),
  );
}

/** Physical type of the one leaf below a column; empty where there are several. */
function leafType({ element, children }: Column): string {
  if (children.length === 0) return element.type ?? "";
  return children.length === 1 ? leafType(children[0]!) : "";
}

interface Column {
  readonly element: { readonly name: string; readonly type?: string };
  readonly children: readonly Column[];
}

function columnArray(
  { file, limitBytes }: Pick<ParquetSource, "file" | "limitBytes">,
  name: string,
  type: string,
  cells: readonly Cell[],
): FileArray {
  const dtype = Object.hasOwn(TYPES, type) ? TYPES[type as keyof typeof TYPES] : undefined;
  if (!dtype) {
    throw broken(
      file,
      `the column ${formatName(name)} is no column of numbers; got ${type === "" ? "a record" : type}, expected ${Object.keys(TYPES).join(", ")} or lists of them.`,
    );
  }
  const rows = cells.length;
  const first = cells[0];
  const width = Array.isArray(first) ? (first as readonly Cell[]).length : undefined;
  refuseSize(file, rows * (width ?? 1) * elementBytes(dtype), limitBytes);
  const elements = allocateElements(dtype, rows * (width ?? 1));
  for (let row = 0; row < rows; row++) {
    const cell = cells[row];
    const values = width === undefined ? [cell] : cell;
    if (!Array.isArray(values) || values.length !== (width ?? 1))
      throw broken(
        file,
        `the column ${formatName(name)} has a list of another length in row ${row}; expected ${width} everywhere.`,
      );
    for (const [at, value] of (values as readonly Cell[]).entries()) {
      if (value === null || value === undefined || typeof value === "object")
        throw broken(file, `the column ${formatName(name)} has no number in row ${row}; fill in the missing values.`);
      elements[row * values.length + at] = dtype === "int64" ? (BigInt(value) as never) : (Number(value) as never);
    }
  }
  return { dtype, shape: width === undefined ? [rows] : [rows, width], bytes: new Uint8Array(elements.buffer) };
}

function refuseSize(file: string, bytes: number, limitBytes: number): void {
  if (bytes <= limitBytes) return;
  throw new PipewrightError(
    "LIMIT_EXCEEDED",
    `data file ${file}: its columns have ${bytes} bytes of elements; ${limitBytes} are allowed. Split the file.`,
    { file, bytes },
  );
}
