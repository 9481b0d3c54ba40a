/** @file Half-precision models train in float32: right against PyTorch, and like the float32 model of the same weights. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { importModel } from "../../compiler/onnx/import.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { bindOf, findCases, readCase } from "../../scripts/corpus/case.js";
import { isWithin } from "../../scripts/corpus/compare.js";
import { caseGradients, runCase } from "../../scripts/corpus/run-case.js";
import { asHalf, asRounded } from "../support/half-model.js";

const env = nodeEnv();
const casesUnder = (folder: string) =>
  findCases(fileURLToPath(new URL(`../../fixtures/reference/${folder}`, import.meta.url))).map(readCase);

describe.each(casesUnder("half").map((subject) => [subject.name, subject] as const))("%s", (_, subject) => {
  it.each([1, 3])("agrees with PyTorch in float64 from the same weights, on %i stages", async (stages) => {
    const comparisons = await runCase(env, subject, stages);
    expect(comparisons.filter((comparison) => !isWithin(comparison))).toEqual([]);
    expect(comparisons.length).toBeGreaterThan(subject.about.trainable.length);
  });
});

const MADE_HALF = ["control-flow-zoo", "gpt2-untied", "lenet", "mlp"];
const floats = casesUnder("models").filter(({ name }) => MADE_HALF.includes(name));

describe.each(floats.map((subject) => [subject.name, subject] as const))("%s made half", (_, subject) => {
  it.each(["float16", "bfloat16"] as const)("has the gradients of its rounded %s weights", async (half) => {
    const model = asHalf(subject.model, half);
    const { conversions, graph } = importModel(model, { bind: bindOf(subject, "") });
    expect(conversions[0]!.from).toBe(half);
    expect(graph.params.map(({ type }) => type.dtype)).not.toContain(half);
    const found = await caseGradients(env, { ...subject, model }, 2);
    const wanted = await caseGradients(env, { ...subject, model: asRounded(subject.model, half) }, 2);
    expect(found.size).toBeGreaterThan(0);
    for (const [name, bytes] of wanted) expect(found.get(name), name).toEqual(bytes);
  });
});
