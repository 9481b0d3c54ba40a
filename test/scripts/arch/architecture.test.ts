/** @file The full-size architectures: counts equal to the published ones, every parameter with a gradient. Time and memory: check:arch. */
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { measureArchitecture, problemsOf } from "../../../scripts/arch/architecture.js";

const FOLDER = fileURLToPath(new URL("../../../../shared/corpus/arch/", import.meta.url));
const names = existsSync(FOLDER)
  ? readdirSync(FOLDER).flatMap((file) => (file.endsWith(".onnx") ? [file.slice(0, -".onnx".length)] : []))
  : [];
if (names.length === 0)
  process.stdout.write("skipped: ../shared/corpus/arch is absent, no full-size architecture is tested\n");

describe.skipIf(names.length === 0)("architectures of ../shared/corpus/arch", () => {
  // The large language models take seconds each; `npm run -s check:arch` has them.
  test.each(names.filter((name) => !["gpt2_xl", "llama_7b"].includes(name)))("%s is as published", async (name) => {
    const found = await measureArchitecture(
      `${FOLDER}${name}`,
      () => 0,
      () => 0,
    );
    expect(problemsOf(found)).toEqual([]);
    expect(found.bottleneckMs).toBeGreaterThan(0);
  });
});

test("what an architecture misses is said", () => {
  const found = { parameters: 9, publishedParameters: 10, forwardFlops: 102, referenceFlops: 100, gradients: 1 };
  const rest = { name: "x", nodes: 1, tensors: 2, importSeconds: 6, importPeakBytes: 6e8, bottleneckMs: 1 };
  expect(problemsOf({ ...found, ...rest })).toEqual([
    "9 parameters, published are 10",
    "work is off by 2.00 %",
    "1 parameters have no gradient",
    "the import took 6.00 s",
    "the import took 600 MB",
  ]);
});
