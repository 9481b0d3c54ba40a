/** @file compiler/FEATURES.md: the table of operators, and the counts of the last run over real models. */
import { featuresOf, foreignOperators, refusedForms } from "./operators.js";

/** Operators of ai.onnx by name. */
export interface OperatorReference {
  /** Operator sets in which each one changed. */
  readonly operators: Readonly<Record<string, readonly number[]>>;
  /** Names of its inputs by its newest form. */
  readonly inputs: Readonly<Record<string, readonly string[]>>;
}

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

The last column has forms of imported operators that are refused, with the reason. Inputs under "fed" must be constants, or follow
from shapes and constants, since the shape of the result follows from them, or what is unrolled (those of Dropout: in training).
Everywhere refused are element types that are not trained on: complex numbers, strings, floats of 8 bits and less, integers of 4 and less.
`;

/** The operators part of the document. */
function operatorsPart({ operators, inputs }: OperatorReference): string {
  const rows = Object.keys(operators).map(featuresOf);
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
      ["operator", "changed in", "import", "shape", "gradient", "refused forms"],
      rows.map((row) => [
        ...[row.op, operators[row.op]!.join(", "), row.import, row.shape, row.gradient],
        row.shape === "no" ? "all" : refusedForms(row.op, inputs),
      ]),
    ),
    "",
    "## Operators of other domains",
    "",
    `${foreign.length} operators, decomposed.`,
    "",
    table(
      ["operator", "refused forms"],
      foreign.map((name) => [`\`${name}\``, refusedForms(name, inputs)]),
    ),
    "",
  ].join("\n");
}

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
export function featuresDocument(
  reference: OperatorReference,
  before: string,
  reports?: readonly RealReport[],
): string {
  const start = before.indexOf(REAL);
  const real = reports ? realPart(reports) : start < 0 ? "" : before.slice(start);
  return `${operatorsPart(reference)}\n${real}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
