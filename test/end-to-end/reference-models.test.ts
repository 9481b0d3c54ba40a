/** @file Reference models through the whole product: right against PyTorch, and the same bits on one and three stages. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { nodeEnv } from "../../runtime/env/node.js";
import { findCases, readCase } from "../../scripts/corpus/case.js";
import { isWithin } from "../../scripts/corpus/compare.js";
import { caseGradients, runCase } from "../../scripts/corpus/run-case.js";

const env = nodeEnv();
const folders = findCases(fileURLToPath(new URL("../../fixtures/reference/models", import.meta.url)));
const cases = folders.map((folder) => readCase(folder));

it("has cases of several kinds", () => {
  expect(cases.length).toBeGreaterThanOrEqual(5);
});

describe.each(cases.map((subject) => [subject.name, subject] as const))("%s", (_, subject) => {
  it.each([1, 3])("agrees with PyTorch on %i stages", async (stages) => {
    const comparisons = await runCase(env, subject, stages);
    expect(comparisons.filter((comparison) => !isWithin(comparison))).toEqual([]);
    expect(comparisons.length).toBeGreaterThan(subject.about.trainable.length);
  });

  it("has gradients of the same bits on one and three stages", async () => {
    const [one, three] = [await caseGradients(env, subject, 1), await caseGradients(env, subject, 3)];
    expect(one.size).toBeGreaterThan(0);
    for (const [name, bytes] of one) expect(three.get(name), name).toEqual(bytes);
  });
});
