/**
 * @file Holds every operator case of a folder to its reference: `check-ops DIR [--json] [--filter TEXT]`.
 * Prints one line per failure; the last line is "N passed, N failed". Exits with 11 when a case fails.
 */
import { parseArgs } from "node:util";
import { EXIT_CODE } from "../compiler/errors.js";
import { createOrtEngine } from "../runtime/engine/ort/ort-engine.js";
import type { OpCase } from "../test/support/op-cases.js";
import { checkOpCase, readOpCases } from "../test/support/op-cases.js";

const { values, positionals } = parseArgs({
  options: { json: { type: "boolean", default: false }, filter: { type: "string", default: "" } },
  allowPositionals: true,
});
const [folder] = positionals;
if (positionals.length !== 1 || !folder) {
  refuse("usage: check-ops DIR [--json] [--filter TEXT]");
}

const engine = createOrtEngine();
const failures: { readonly case: string; readonly reason: string }[] = [];
const cases = casesOf(folder).filter(({ name }) => name.includes(values.filter));
if (cases.length === 0)
  refuse(`${folder}: no case matches; expected <family>.json files, and --filter a part of "family/case".`);
for (const opCase of cases) {
  const reason = reasonOf(() => checkOpCase(engine, opCase));
  if (!reason) continue;
  failures.push({ case: opCase.name, reason });
  if (!values.json) console.log(`${opCase.name}: ${reason.replaceAll("\n", " ")}`);
}
engine.close();

const passed = cases.length - failures.length;
if (values.json) console.log(JSON.stringify({ passed, failed: failures.length, failures }));
else console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 ? EXIT_CODE.VERIFY_MISMATCH : 0;

function casesOf(path: string): readonly OpCase[] {
  try {
    return readOpCases(path);
  } catch (error) {
    return refuse(`${path}: cannot be read; ${error instanceof Error ? error.message : String(error)}`);
  }
}

function refuse(message: string): never {
  console.error(message);
  process.exit(EXIT_CODE.USAGE);
}

/** A case that fails with a bug of ours must not hide the others. */
function reasonOf(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    return `internal error: ${error instanceof Error ? error.message : String(error)}`;
  }
}
