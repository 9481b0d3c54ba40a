/**
 * @file Checks what would be published: packs it, looks at its files and size, runs publint and attw on it, installs it
 * into an empty folder without install scripts, and runs the demo from there. Exit code 1 when anything fails.
 * Usage: npm run -s check:package
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MOST_BYTES = 1e6;
/** What may be in it. */
const ALLOWED =
  /^(dist\/(compiler|runtime|models)\/|schema\/|(README|CHANGELOG|SECURITY)\.md$|LICENSE$|package\.json$)/;
const DEMO_STEPS = "5";

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

const folder = mkdtempSync(join(tmpdir(), "pipewright-package-"));
let failed = 0;

/** Runs one check and prints how it ended. */
function check(name: string, run: () => string): void {
  const startMs = Date.now();
  let line: string;
  try {
    line = `ok      ${name}: ${run()}`;
  } catch (error) {
    failed++;
    const { stdout = "", stderr = "", message } = error as { stdout?: string; stderr?: string; message: string };
    line = `failed  ${name}: ${message}\n${stdout}${stderr}`;
  }
  console.log(`${line} (${((Date.now() - startMs) / 1000).toFixed(1)} s)`);
}

/** Standard output of a command. @throws with its output when it fails. */
function output(command: string, words: readonly string[], cwd = process.cwd()): string {
  return execFileSync(command, words, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function refuse(reason: string): never {
  throw new Error(reason);
}

try {
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const [packed] = JSON.parse(output("npm", pack)) as [Packed];
  const tarball = join(folder, packed.filename);
  check("files", () => {
    const strange = packed.files.map(({ path }) => path).filter((path) => !ALLOWED.test(path));
    return strange.length === 0 ? `${packed.files.length}, none but ours` : refuse(strange.join(", "));
  });
  check("size", () => {
    const size = `${Math.round(packed.size / 1000)} kB packed`;
    return packed.size < MOST_BYTES ? size : refuse(`${size}, at most ${MOST_BYTES / 1000} kB`);
  });
  check("publint", () => (output("npx", ["--no-install", "publint", "run", tarball, "--strict"]), "all good"));
  check("attw", () => (output("npx", ["--no-install", "attw", tarball, "--profile", "esm-only"]), "no problems"));
  const empty = join(folder, "empty");
  mkdirSync(empty);
  check("install", () => {
    const flags = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
    output("npm", ["install", ...flags, tarball], empty);
    return "into an empty folder, without install scripts";
  });
  check("demo", () => {
    const words = ["--no-install", "pipewright", "demo", "--json", "--steps", DEMO_STEPS];
    const { verify, train } = JSON.parse(output("npx", words, empty)) as {
      readonly verify: { readonly equal: boolean };
      readonly train: { readonly steps: number };
    };
    if (!verify.equal || String(train.steps) !== DEMO_STEPS) refuse("it did not verify or train");
    return `verified bit for bit, trained ${train.steps} steps`;
  });
  check("library", () => {
    const program =
      'const [a, b] = await Promise.all([import("pipewright"), import("pipewright/runtime")]);' +
      "console.log(typeof a.compile, typeof b.train)";
    const types = output(process.execPath, ["--input-type=module", "-e", program], empty).trim();
    return types === "function function" ? "both entry points load" : refuse(types);
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
