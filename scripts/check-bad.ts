/**
 * @file Runs every bad or odd model of an archive through the command: `check-bad ARCHIVE.tar.gz MANIFEST.json [--json]
 * [--filter TEXT] [--command FILE]`. Each case runs twice as a process of its own (`pipewright inspect`, with and
 * without `--json`) and once through the library. Prints one line per violation; the last line is "N passed, N failed".
 */
import { execFileSync, spawn } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { EXIT_CODE } from "../compiler/errors.js";
import type { BadCase, Observed } from "./bad/invariants.js";
import { violations } from "./bad/invariants.js";
import { BUILT_COMMAND, runCommand } from "./bad/run-command.js";

const { values, positionals } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    filter: { type: "string", default: "" },
    command: { type: "string", default: BUILT_COMMAND },
  },
  allowPositionals: true,
});
const [archive, manifest] = positionals;
if (positionals.length !== 2 || !archive || !manifest) refuse("usage: check-bad ARCHIVE.tar.gz MANIFEST.json [--json]");

const root = realpathSync(mkdtempSync(join(tmpdir(), "pipewright-bad-")));
/** Where the commands run: not below `root`, which links in the archive may point to. */
const elsewhere = realpathSync(mkdtempSync(join(tmpdir(), "pipewright-cwd-")));
const failures: { readonly case: string; readonly violations: readonly string[] }[] = [];
const measured: {
  readonly case: string;
  readonly exitCode: number | null;
  readonly ms: number;
  readonly mib: number;
}[] = [];
try {
  const cases = casesOf(manifest).filter(({ id }) => id.includes(values.filter));
  if (cases.length === 0)
    refuse(`${manifest}: no case matches; expected entries with an id, and --filter a part of one.`);
  if (values.command === BUILT_COMMAND)
    execFileSync(process.execPath, [fileURLToPath(new URL("./build.mjs", import.meta.url))], { stdio: "inherit" });
  execFileSync("tar", ["-xzf", archive, "-C", root, "--no-same-owner"]);
  const library = await askLibrary(cases.map(({ id }) => modelPath(id)));
  const queue = [...cases];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) await checkCase(next, library);
  };
  await Promise.all([work(), work()]);
} finally {
  for (const folder of [root, elsewhere]) rmSync(folder, { recursive: true, force: true });
}
const passed = measured.length - failures.length;
if (values.json) console.log(JSON.stringify({ passed, failed: failures.length, failures, cases: measured }));
else {
  const slowest = measured.reduce((a, b) => (a.ms > b.ms ? a : b));
  const largest = measured.reduce((a, b) => (a.mib > b.mib ? a : b));
  console.log(`slowest ${slowest.ms} ms (${slowest.case}), largest ${largest.mib} MiB (${largest.case})`);
  console.log(`${passed} passed, ${failures.length} failed`);
}
process.exitCode = failures.length > 0 ? EXIT_CODE.VERIFY_MISMATCH : 0;

async function checkCase(badCase: BadCase, library: ReadonlyMap<string, string>): Promise<void> {
  const path = modelPath(badCase.id);
  const folder = join(root, "models", badCase.id);
  const directory = mkdtempSync(join(elsewhere, "cwd-"));
  const before = snapshot(folder);
  const withJson = await runCommand(values.command, ["inspect", path, "--json"], directory);
  const plain = await runCommand(values.command, ["inspect", path], directory);
  const changes = [...difference(before, snapshot(folder)), ...readdirSync(directory)];
  const own = [
    realpathSync(fileURLToPath(new URL("../", import.meta.url))),
    realpathSync(join(values.command, "../../../..")),
  ];
  const seen: Observed = {
    ...{ path, folder, withJson, plain, changes, own, library: library.get(path) ?? "no answer of the library" },
    bytes: namesBelow(folder).reduce((sum, name) => sum + sizeOf(join(folder, name)), 0),
    content: readFileSync(path, "latin1"),
  };
  const found = violations(badCase, seen);
  const ms = Math.round(Math.min(withJson.ms, plain.ms));
  measured.push({
    case: badCase.id,
    exitCode: withJson.exitCode,
    ms,
    mib: Math.round((withJson.seen?.peakBytes ?? 0) / 2 ** 20),
  });
  if (found.length === 0) return;
  failures.push({ case: badCase.id, violations: found });
  if (!values.json) for (const line of found) console.log(`${badCase.id}: ${line.replaceAll("\n", " ")}`);
}

function modelPath(id: string): string {
  return join(root, "models", id, "model.onnx");
}

function sizeOf(path: string): number {
  const found = lstatSync(path);
  return found.isFile() ? found.size : 0;
}

/** Names below a folder. Links are not followed. */
function namesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? [entry.name, ...namesBelow(join(folder, entry.name)).map((name) => join(entry.name, name))]
      : [entry.name],
  );
}

/** Names below a folder with what shows a change. */
function snapshot(folder: string): ReadonlyMap<string, string> {
  return new Map(
    namesBelow(folder).map((name) => {
      const path = join(folder, name);
      const found = lstatSync(path);
      const target = found.isSymbolicLink() ? readlinkSync(path) : "";
      return [name, [found.mode, found.size, found.mtimeMs, found.ino, target].join(" ")];
    }),
  );
}

function difference(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name));
}

/** What the library says of each path, in one process for all. */
function askLibrary(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const entry = fileURLToPath(new URL("./bad/library.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", entry], {
    stdio: ["pipe", "pipe", "inherit"],
    timeout: 120_000,
  });
  let lines = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (lines += part));
  child.stdin.end(JSON.stringify(paths));
  return new Promise((resolve) => {
    child.on("close", () => {
      const answers = lines
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { path: string; says: string });
      resolve(new Map(answers.map(({ path, says }) => [path, says])));
    });
  });
}

function casesOf(path: string): readonly BadCase[] {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as readonly BadCase[];
  } catch (error) {
    return refuse(`${path}: cannot be read; ${error instanceof Error ? error.message : String(error)}`);
  }
}

function refuse(message: string): never {
  console.error(message);
  process.exit(EXIT_CODE.USAGE);
}
