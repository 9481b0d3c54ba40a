import { describe, expect, it } from "vitest";
import * as compiler from "../compiler/index.js";
import * as runtime from "../runtime/index.js";

/** The library's contract: adding a name is a visible act, removing one breaks users. Types are not listed. */
const COMPILER_NAMES = [
  "EXIT_CODE",
  "PipewrightError",
  "checkSchedule",
  "compile",
  "formatGraph",
  "importModel",
  "localCluster",
  "parseLoss",
  "partition",
  "printSchedule",
  "readCsv",
  "scheduleByName",
  "simulate",
  "writeCsv",
];

const RUNTIME_NAMES = [
  "loadModel",
  "loadWeights",
  "measureProfile",
  "nodeEnv",
  "openDataset",
  "readPlan",
  "train",
  "verifyPlans",
  "withWeights",
  "writePlan",
];

describe("the public surface", () => {
  it("of the compiler is at most 20 names", () => {
    expect(Object.keys(compiler).sort()).toEqual(COMPILER_NAMES);
    expect(COMPILER_NAMES.length).toBeLessThanOrEqual(20);
  });

  it("of the runtime is at most 10 names", () => {
    expect(Object.keys(runtime).sort()).toEqual(RUNTIME_NAMES);
    expect(RUNTIME_NAMES.length).toBeLessThanOrEqual(10);
  });
});
