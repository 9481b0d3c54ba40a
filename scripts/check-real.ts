/**
 * @file Imports every .onnx file of the given archives or folders: `check-real ARCHIVE.tar.gz|DIR... [--json]
 * [--filter TEXT]`. Prints one line per model that is refused, with the reason, and per fault; the last line of each
 * archive counts them. Exits with 11 when a model crashes the import or changes on its way through a file.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { EXIT_CODE } from "../compiler/errors.js";
import { nodeEnv } from "../runtime/env/node.js";
import type { RealReport } from "./features/document.js";
import { tryModel } from "./real/try-model.js";

const { values, positionals } = parseArgs({
  options: { json: { type: "boolean", default: false }, filter: { type: "string", default: "" } },
  allowPositionals: true,
});
if (positionals.length === 0) {
  console.error("usage: check-real ARCHIVE.tar.gz|DIR... [--json] [--filter TEXT]");
  process.exit(EXIT_CODE.USAGE);
}

const env = nodeEnv();
const archives: RealReport[] = [];
for (const archive of positionals) archives.push(await checkArchive(archive));
if (values.json) console.log(JSON.stringify({ archives }, undefined, 1));
const faults = archives.reduce((sum, { failures }) => sum + failures.length, 0);
process.exitCode = faults > 0 ? EXIT_CODE.VERIFY_MISMATCH : 0;

async function checkArchive(archive: string): Promise<RealReport> {
  if (statSync(archive).isDirectory()) return checkFolder(basename(archive), archive);
  const folder = mkdtempSync(join(tmpdir(), "pipewright-real-"));
  try {
    execFileSync("tar", ["-xzf", archive, "-C", folder, "--no-same-owner"]);
    return await checkFolder(basename(archive), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkFolder(name: string, folder: string): Promise<RealReport> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".onnx") && file.includes(values.filter))
    .sort();
  const refused = new Map<string, number>();
  const failures: { readonly model: string; readonly reason: string }[] = [];
  let imported = 0;
  for (const model of files) {
    const outcome = await tryModel(env, join(folder, model));
    if (outcome.kind === "imported") imported++;
    else {
      const reason = outcome.reason.replaceAll(`${folder}/`, "");
      if (outcome.kind === "fault") failures.push({ model, reason });
      else refused.set(outcome.code, (refused.get(outcome.code) ?? 0) + 1);
      const verdict = outcome.kind === "fault" ? "FAULT" : `refused ${outcome.code}`;
      if (!values.json) console.log(`${verdict}  ${model}: ${reason.replaceAll("\n", " ")}`);
    }
  }
  if (!values.json) {
    const codes = [...refused].map(([code, count]) => `${count} ${code}`).join(", ");
    console.log(
      `${name}: ${files.length} models, ${imported} imported, refused: ${codes || "none"}, ${failures.length} faults`,
    );
  }
  return { archive: name, models: files.length, imported, refused: Object.fromEntries([...refused].sort()), failures };
}
