import { describe, expect, it } from "vitest";
import { verify } from "../../compiler/ir/verify.js";
import { elementCount } from "../../compiler/ir/literal.js";
import { OPS } from "../../compiler/ops/registry.js";
import { modelFile } from "../../models/file.js";
import { BENCH_GPT, buildGpt, DEMO_GPT } from "../../models/gpt.js";
import { buildMlp } from "../../models/mlp.js";
import type { BuiltModel } from "../../models/model.js";
import { buildResnet } from "../../models/resnet.js";

const parameters = ({ graph }: BuiltModel) => graph.params.reduce((sum, { type }) => sum + elementCount(type.shape), 0);
const models: readonly [string, BuiltModel, readonly number[]][] = [
  ["gpt", buildGpt(DEMO_GPT), [4, 32, 64]],
  ["tied gpt", buildGpt({ ...DEMO_GPT, tied: true }), [4, 32, 64]],
  ["mlp", buildMlp({ batch: 8, inputs: 5, widths: [16, 16], classes: 3 }), [8, 3]],
  ["resnet", buildResnet({ batch: 2, image: 16, channels: 4, groups: 3, blocks: 2, classes: 10 }), [2, 10]],
];

describe.each(models)("%s", (_, model, logits) => {
  it("is a graph that keeps the rules of the IR", () => {
    verify(model.graph, OPS, "the builder");
    expect(model.graph.outputs.map(({ name, type }) => [name, type.shape])).toEqual([["logits", logits]]);
  });

  it("has weights for every parameter and no other", () => {
    const sizes = model.graph.params.map(({ name, type }) => [name, elementCount(type.shape)]);
    expect([...model.weights].map(([name, elements]) => [name, elements.length])).toEqual(sizes);
  });
});

describe("buildGpt", () => {
  it("has more than 100 nodes and as many parameters as the formula says", () => {
    const model = buildGpt(DEMO_GPT);
    const { layers, width, sequence, vocabulary } = DEMO_GPT;
    expect(model.graph.nodes.length).toBeGreaterThan(100);
    const perLayer = 12 * width * width + 13 * width;
    expect(parameters(model)).toBe(layers * perLayer + 2 * vocabulary * width + sequence * width + 2 * width);
  });

  it("is the same file for the same seed", () => {
    const file = modelFile(buildGpt(DEMO_GPT));
    expect(Buffer.compare(file, modelFile(buildGpt(DEMO_GPT)))).toBe(0);
    expect(Buffer.compare(file, modelFile(buildGpt({ ...DEMO_GPT, seed: 1 })))).not.toBe(0);
  });

  it("draws weights of the deviation that GPT-2 has", () => {
    const { weights } = buildGpt(DEMO_GPT);
    const deviation = (name: string) => {
      const elements = weights.get(name)!;
      return Math.sqrt(elements.reduce((sum, x) => sum + x * x, 0) / elements.length);
    };
    expect(deviation("layer.0.perceptron.in.weight")).toBeCloseTo(0.02, 3);
    expect(deviation("layer.0.perceptron.out.weight")).toBeCloseTo(0.02 / Math.sqrt(8), 3);
  });

  it("has 6.3 million parameters at the size of the benchmark", () => {
    const { width, vocabulary } = BENCH_GPT;
    const model = buildGpt({ ...BENCH_GPT, layers: 1, vocabulary: 8 });
    const rest = 3 * (12 * width * width + 13 * width) + 2 * (vocabulary - 8) * width;
    expect(parameters(model) + rest).toBe(6_338_048);
  });
});
