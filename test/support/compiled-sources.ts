/**
 * @file Compiles the sources before the tests run, so that tests and the children that they start load plain modules, as
 * in an installed package: they start several times faster than through a loader that compiles.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { statSync, utimesSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { buildSync, version } from "esbuild";
import type { Plugin } from "vitest/config";

const ROOT = join(import.meta.dirname, "../..");
const CACHE = join(ROOT, "node_modules/.cache/pipewright-tests");
/** Parts that tests take compiled. Of the tests, only what children run is loaded from there. */
const PRODUCT = ["compiler", "runtime", "models"];
const SOURCES = [...PRODUCT, "test"];
/** What the product reads beside its modules; Node reads from package.json that they are ECMAScript modules. */
const ASSETS = ["package.json", "runtime/report/page", "runtime/torch-export/python"];
const UNUSED_MS = 24 * 3_600_000;

/** The compiled sources, in a folder named after their content: no run sees the sources of another. */
export function compileSources(): string {
  const paths = SOURCES.flatMap(modulesBelow);
  const hash = createHash("sha256").update(version);
  for (const path of [...paths, ...ASSETS.flatMap(filesBelow)])
    hash.update(path).update(readFileSync(join(ROOT, path)));
  const folder = join(CACHE, hash.digest("hex").slice(0, 16));
  if (!existsSync(folder)) {
    mkdirSync(CACHE, { recursive: true });
    const temporary = mkdtempSync(join(CACHE, "new-"));
    buildSync({
      entryPoints: paths.map((path) => join(ROOT, path)),
      outdir: temporary,
      outbase: ROOT,
      format: "esm",
      platform: "node",
      target: "node20",
      sourcemap: "inline",
      sourcesContent: false,
      logLevel: "error",
    });
    for (const path of ASSETS) cpSync(join(ROOT, path), join(temporary, path), { recursive: true });
    publish(temporary, folder);
  }
  utimesSync(folder, new Date(), new Date());
  removeUnused();
  return folder;
}

/** Lets imports of the product find the compiled modules in `folder`. */
export function compiledImports(folder: string): Plugin {
  return {
    name: "pipewright-compiled-sources",
    enforce: "pre",
    resolveId: (source, importer) => {
      if (importer === undefined || !/^\..*\.js$/.test(source)) return undefined;
      const path = relative(ROOT, join(dirname(importer), source));
      return PRODUCT.some((part) => path.startsWith(`${part}/`)) ? join(folder, path) : undefined;
    },
  };
}

/** Another run may have made the same folder in the meantime. */
function publish(temporary: string, folder: string): void {
  try {
    renameSync(temporary, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(temporary, { recursive: true });
  }
}

function removeUnused(): void {
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    const usedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - usedMs > UNUSED_MS) rmSync(path, { recursive: true, force: true });
  }
}

function filesBelow(folder: string): readonly string[] {
  if (statSync(join(ROOT, folder)).isFile()) return [folder];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();
}

function modulesBelow(folder: string): readonly string[] {
  return filesBelow(folder).filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"));
}
