/** @file What is exported imports to the same text: every reference operator, and the full-size architectures if at hand. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { PipewrightError } from "../../../compiler/errors.js";
import { elementCount } from "../../../compiler/ir/literal.js";
import { formatGraph } from "../../../compiler/ir/print.js";
import { verify } from "../../../compiler/ir/verify.js";
import { exportGraph } from "../../../compiler/onnx/export.js";
import { importModel } from "../../../compiler/onnx/import.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { weightsOf } from "../../support/import-oracle.js";
import { readOpCases } from "../../support/op-cases.js";

const cases = readOpCases(fileURLToPath(new URL("../../../fixtures/reference/ops", import.meta.url)));

test("all reference operators whose shapes are static", () => {
  const refused: string[] = [];
  for (const { name, tensors } of cases) {
    try {
      const model = importModel(tensors.get("model")!.bytes);
      verify(model.graph, OPS, "import");
      const again = importModel(exportGraph(model.graph, { weights: weightsOf(model) }));
      expect(formatGraph(again.graph), name).toBe(formatGraph(model.graph));
    } catch (error) {
      if (!(error instanceof PipewrightError)) throw error;
      refused.push(`${name}: ${error.code}`);
    }
  }
  expect(cases.length).toBeGreaterThan(400);
  expect(refused).toEqual(["movement/compress-axis: MODEL_UNSUPPORTED"]);
});

/** Optional: the corpus beside the repository. */
const ARCHITECTURES = fileURLToPath(new URL("../../../../shared/corpus/arch/", import.meta.url));

describe.skipIf(!existsSync(ARCHITECTURES))("architectures of ../shared/corpus/arch, skipped when absent", () => {
  test.each([
    ["bert_large", 335_174_458],
    ["convnext_tiny", 28_589_128],
    ["gpt2_xl", 1_557_611_200],
    ["llama_7b", 6_738_415_680],
    ["vgg16", 138_357_544],
    ["vit_b_16", 86_567_656],
  ])("%s has %d float parameters", (name, elements) => {
    const bytes = new Uint8Array(readFileSync(`${ARCHITECTURES}${name}.onnx`));
    const bind = name === "gpt2_xl" ? {} : { batch: 1 };
    const { graph, weights } = importModel(bytes, { bind });
    verify(graph, OPS, "import");
    const floats = graph.params.filter(({ type }) => type.dtype === "float32");
    expect(floats.reduce((sum, { type }) => sum + elementCount(type.shape), 0)).toBe(elements);
    expect(floats.every(({ id }) => weights.has(id))).toBe(true);
  });
});
