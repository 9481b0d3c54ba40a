import { defineConfig } from "vitest/config";

/** Everything in test/faults, whose quick part runs with the other tests. */
export default defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts"],
    pool: "forks",
    env: { FAULTS: "all" },
    testTimeout: 900_000,
    maxWorkers: 1,
  },
});
