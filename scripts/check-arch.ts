/**
 * @file Every architecture of a corpus: `npm run -s check:arch -- DIR [--json] [--filter TEXT]`. Each is imported,
 * differentiated and cut in a process of its own, so that time and memory are its own. Ends with "N passed, N failed";
 * exit code 1 when a parameter count is not the published one, work is off by more than 1 %, a parameter has no gradient,
 * or the import takes longer or more memory than allowed.
 */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Architecture } from "./arch/architecture.js";
import { problemsOf } from "./arch/architecture.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean" }, filter: { type: "string", default: "" } },
});
const [directory] = positionals;
const files = directory ? readdirSync(directory).filter((file) => file.endsWith(".onnx")) : [];
const names = files.map((file) => file.slice(0, -".onnx".length)).filter((name) => name.includes(values.filter));
if (names.length === 0) {
  console.error("usage: npm run -s check:arch -- DIR [--json] [--filter TEXT]; DIR holds NAME.onnx and NAME.json");
  process.exit(2);
}

const COLUMNS = [
  ["name", -16],
  ["parameters", 13],
  ["published", 13],
  ["forward FLOPs", 17],
  ["reference", 17],
  ["import", 8],
  ["peak", 8],
  ["gradients", 11],
  ["bottleneck", 11],
] as const;

if (!values.json) console.log(line(COLUMNS.map(([title]) => title)));
const results = names.sort().map((name) => {
  const found = measured(name);
  const problems = problemsOf(found);
  if (!values.json)
    for (const text of [row(found), ...problems.map((problem) => `  FAIL ${problem}`)]) console.log(text);
  return { ...found, passed: problems.length === 0, problems };
});
const passed = results.filter((result) => result.passed).length;
const failed = results.length - passed;
if (values.json) console.log(JSON.stringify({ architectures: results, passed, failed }, undefined, 1));
else console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function measured(name: string): Architecture {
  const script = fileURLToPath(new URL("arch/measure.ts", import.meta.url));
  const words = ["--import", "tsx", script, `${directory}/${name}`];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" })) as Architecture;
}

function row(found: Architecture): string {
  return line([
    found.name,
    found.parameters.toLocaleString("en"),
    found.publishedParameters.toLocaleString("en"),
    found.forwardFlops.toLocaleString("en"),
    found.referenceFlops.toLocaleString("en"),
    `${found.importSeconds.toFixed(2)} s`,
    `${Math.round(found.importPeakBytes / 1e6)} MB`,
    `${found.gradients} of ${found.tensors}`,
    `${(found.bottleneckMs / 1000).toFixed(2)} s`,
  ]);
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, at) => (COLUMNS[at]![1] < 0 ? cell.padEnd(-COLUMNS[at]![1]) : cell.padStart(COLUMNS[at]![1])))
    .join("  ");
}
