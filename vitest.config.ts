import { defineConfig } from "vitest/config";
import { compiledImports, compileSources } from "./test/support/compiled-sources.js";
import { LongestFirst } from "./test/support/longest-first.js";

const COMPILED_SOURCES = compileSources();
/** The compiler keeps nothing from call to call (test/architecture.test.ts), so its tests may follow one another in a process. */
const COMPILER = "test/compiler/**/*.test.ts";

const shared = {
  env: { COMPILED_SOURCES },
  /** Far above what any test takes on a slow and busy machine: it ends what hangs, and measures nothing. */
  testTimeout: 300_000,
  hookTimeout: 300_000,
};

export default defineConfig({
  plugins: [compiledImports(COMPILED_SOURCES)],
  test: {
    pool: "forks",
    sequence: { sequencer: LongestFirst },
    maxWorkers: 2,
    projects: [
      { extends: true, test: { ...shared, name: "compiler", include: [COMPILER], isolate: false } },
      { extends: true, test: { ...shared, name: "product", include: ["test/**/*.test.ts"], exclude: [COMPILER] } },
    ],
  },
});
