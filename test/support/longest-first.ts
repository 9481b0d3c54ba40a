/** @file The order in which test files start: the longest first, so that none of them runs on alone at the end. */
import { join } from "node:path";
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

const ROOT = join(import.meta.dirname, "../..");

/** Files that take longest. A file that is missing here, or here for nothing, costs some seconds at most. */
const LONGEST = [
  "test/runtime/same-bits.test.ts",
  "test/docs.test.ts",
  "test/browser/report.test.ts",
  "test/end-to-end/terminal.test.ts",
  "test/faults/outputs.test.ts",
  "test/docs-commands.test.ts",
  "test/end-to-end/command-line.test.ts",
  "test/security/fuzz.test.ts",
  "test/security/hostile-data.test.ts",
  "test/end-to-end/reference-models.test.ts",
  "test/end-to-end/training-flags.test.ts",
  "test/browser/accessibility.test.ts",
  "test/compiler/planning/search.test.ts",
  "test/compiler/planning/least-memory.test.ts",
  "test/compiler/schedule/search.test.ts",
].map((path) => join(ROOT, path));

/** Vitest's own order otherwise. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.indexOf(moduleId);
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}
