import { defineConfig } from "vitest/config";
import { compiledImports, compileSources } from "./test/support/compiled-sources.js";

const COMPILED_SOURCES = compileSources();

/** Everything in test/faults, whose quick part runs with the other tests. */
export default defineConfig({
  plugins: [compiledImports(COMPILED_SOURCES)],
  test: {
    include: ["test/faults/**/*.test.ts"],
    pool: "forks",
    env: { COMPILED_SOURCES, FAULTS: "all" },
    testTimeout: 900_000,
    hookTimeout: 900_000,
    maxWorkers: 1,
  },
});
