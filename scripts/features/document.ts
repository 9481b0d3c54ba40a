/** @file compiler/FEATURES.md: the table of operators, and the counts of the last run over real models. */
import type { OperatorFeatures } from "./operators.js";
import { featuresOf, foreignOperators } from "./operators.js";

/** Operator sets in which each operator of ai.onnx changed, by its name. */
export type OperatorVersions = Readonly<Record<string, readonly number[]>>;

/** What `check:real --json` prints of one archive. */
export interface RealReport {
  readonly archive: string;
  readonly models: number;
  readonly imported: number;
  /** Models that were refused, by error code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly model: string; readonly reason: string }[];
}

const HEAD = `# Features

Written by \`npm run -s make:features\` from the op table and the import rules; a test compares. Change those, not this file.

An operator is imported as it is, rewritten from the form of an older operator set, decomposed into others, or resolved while
the model is read (constants, conditions, loops, sequences). Where gradients are "none" they stop, as the derivative is zero or
does not exist; training through a "no" is refused with that reason.
`;

/** The operators part of the document. */
function operatorsPart(versions: OperatorVersions): string {
  const rows = Object.keys(versions).map(featuresOf);
  const imported = rows.filter((row) => row.shape !== "no");
  const differentiable = imported.filter(({ gradient }) => !/^(none|no):/.test(gradient));
  const stopped = imported.filter(({ gradient }) => gradient.startsWith("none:"));
  const foreign = foreignOperators();
  return [
    HEAD,
    "## Operators of ai.onnx",
    "",
    `${rows.length} operators: ${imported.length} imported, ${differentiable.length} of them with gradients, ${stopped.length} without because the derivative is zero or does not exist; ${rows.length - imported.length} refused.`,
    "",
    table(
      ["operator", "changed in", "import", "shape", "gradient"],
      rows.map((row) => [row.op, versions[row.op]!.join(", "), ...cells(row)]),
    ),
    "",
    "## Operators of other domains",
    "",
    `${foreign.length} operators, decomposed: ${foreign.map((name) => `\`${name}\``).join(", ")}.`,
    "",
  ].join("\n");
}

const cells = (row: OperatorFeatures): readonly string[] => [row.import, row.shape, row.gradient];

const REAL = "## Real models";

/** The part with counts of real models. Ensures: every model is counted once. */
export function realPart(reports: readonly RealReport[]): string {
  const codes = [...new Set(reports.flatMap(({ refused }) => Object.keys(refused)))].sort();
  return [
    REAL,
    "",
    "Models of the test suites of ONNX and ONNX Runtime (`npm run -s check:real -- ARCHIVE...`). Imported ones are exported and",
    "imported again, to the same text. Symbolic dims are bound to 2, or to 1 where that does not fit; inputs without a shape are refused.",
    "",
    table(
      ["archive", "models", "imported", ...codes, "crashed or unequal"],
      reports.map(({ archive, models, imported, refused, failures }) => [
        ...[archive, String(models), String(imported)],
        ...codes.map((code) => String(refused[code] ?? 0)),
        String(failures.length),
      ]),
    ),
    "",
  ].join("\n");
}

/** The document: operators as they are now, counts from `reports` or, without, as the document before has them. */
export function featuresDocument(versions: OperatorVersions, before: string, reports?: readonly RealReport[]): string {
  const start = before.indexOf(REAL);
  const real = reports ? realPart(reports) : start < 0 ? "" : before.slice(start);
  return `${operatorsPart(versions)}\n${real}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
