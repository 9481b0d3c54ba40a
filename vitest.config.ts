import { defineConfig } from "vitest/config";
import { compiledImports, compileSources } from "./test/support/compiled-sources.js";

const COMPILED_SOURCES = compileSources();

export default defineConfig({
  plugins: [compiledImports(COMPILED_SOURCES)],
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    env: { COMPILED_SOURCES },
    /** Far above what any test takes on a slow and busy machine: it ends what hangs, and measures nothing. */
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
