/** @file ONNX Runtime's fused operators and Fourier transforms, decomposed, against ONNX Runtime's own. */
import { afterAll, describe, expect, test } from "vitest";
import { literalOf } from "../../../compiler/ir/literal.js";
import { importModel } from "../../../compiler/onnx/import.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { importDifference } from "../../support/import-oracle.js";
import type { Attr, BriefModel } from "../../support/proto-model.js";
import { modelBytes } from "../../support/proto-model.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

type Attrs = Readonly<Record<string, Attr>>;

/** A node whose inputs are fed, but for those written as "i:1", which are constants; "" leaves one out. */
function agree(
  op: string,
  domain: string,
  attrs: Attrs,
  types: readonly string[],
  outputs: readonly string[] = ["y"],
  opset = 20,
): string | undefined {
  const names = types.map((type, at) => (type === "" ? "" : `x${at}`));
  const isConstant = (type: string): boolean => type.startsWith("i:");
  const fed = names.flatMap((name, at) => (name === "" || isConstant(types[at]!) ? [] : [[name, types[at]!] as const]));
  const constants = names.flatMap((name, at) =>
    isConstant(types[at]!) ? [[name, literalOf("int64", [], [Number(types[at]!.slice(2))])] as const] : [],
  );
  const model: BriefModel = {
    opset,
    nodes: [{ op, domain, inputs: names, outputs, attrs }],
    inputs: Object.fromEntries(fed),
    outputs: outputs.filter((name) => name !== ""),
    initializers: Object.fromEntries(constants),
    domains: domain === "" ? [] : [domain],
  };
  return importDifference(engine, modelBytes(model));
}

describe("com.microsoft", () => {
  test.each<[string, Attrs, readonly string[], (readonly string[])?]>([
    ["Gelu", {}, ["float32[2,8]"]],
    ["BiasGelu", {}, ["float32[2,8]", "float32[8]"]],
    ["FastGelu", {}, ["float32[2,8]", "float32[8]"]],
    ["QuickGelu", { alpha: { f: 1.5 } }, ["float32[2,8]"]],
    ["FusedMatMul", { transA: 1, transB: 1, alpha: { f: 0.5 } }, ["float32[2,4,3]", "float32[2,5,4]"]],
    [
      "FusedGemm",
      { activation: "LeakyRelu", activation_alpha: { f: 0.2 }, transB: 1 },
      ["float32[2,3]", "float32[4,3]", "float32[4]"],
    ],
    ["FusedConv", { activation: "Relu", pads: [1, 1, 1, 1] }, ["float32[1,2,4,4]", "float32[3,2,3,3]", "float32[3]"]],
    [
      "SkipLayerNormalization",
      { epsilon: { f: 0.01 } },
      ["float32[2,3,8]", "float32[2,3,8]", "float32[8]", "float32[8]", "float32[8]"],
      ["y", "", "", "s"],
    ],
    [
      "SkipSimplifiedLayerNormalization",
      { epsilon: { f: 0.01 } },
      ["float32[2,3,8]", "float32[2,3,8]", "float32[8]"],
      ["y", "", "", "s"],
    ],
    [
      "EmbedLayerNormalization",
      {},
      [
        "int32[2,3]",
        "int32[2,3]",
        "float32[5,8]",
        "float32[4,8]",
        "float32[2,8]",
        "float32[8]",
        "float32[8]",
        "int32[2,3]",
      ],
      ["y", "m"],
    ],
    ["Attention", { num_heads: 2 }, ["float32[2,3,8]", "float32[8,24]", "float32[24]"]],
    [
      "Attention",
      { num_heads: 2, unidirectional: 1 },
      ["float32[2,3,8]", "float32[8,24]", "float32[24]", "int32[2,3]"],
    ],
    [
      "MultiHeadAttention",
      { num_heads: 2, scale: { f: 0.2 } },
      ["float32[2,3,8]", "float32[2,4,8]", "float32[2,4,8]", "float32[24]"],
    ],
    [
      "MultiHeadAttention",
      { num_heads: 2 },
      ["float32[2,3,8]", "float32[2,4,8]", "float32[2,4,8]", "", "", "float32[1,2,3,4]"],
    ],
  ])("%s %o", (op, attrs, types, outputs) => {
    expect(agree(op, "com.microsoft", attrs, types, outputs)).toBeUndefined();
  });

  test("what is left out is refused with its reason", () => {
    expect(() =>
      agree("FusedMatMul", "com.microsoft", { transBatchA: 1 }, ["float32[2,4,3]", "float32[2,3,5]"]),
    ).toThrow(
      "  y (FusedMatMul): a transposed batch axis (transBatchA, transBatchB) is not supported: put a Transpose before it.\n",
    );
  });
});

describe("Fourier transforms", () => {
  test.each<[string, Attrs, readonly string[]]>([
    ["real signal", {}, ["float32[2,6,1]", "", "i:1"]],
    ["complex signal", {}, ["float32[2,6,2]", "", "i:1"]],
    ["another axis", {}, ["float32[4,2,3,2]", "", "i:0"]],
    ["inverse", { inverse: 1 }, ["float32[2,6,2]", "", "i:1"]],
    ["half of the spectrum", { onesided: 1 }, ["float32[2,6,1]", "", "i:1"]],
    ["continued by zeros", {}, ["float32[2,6,1]", "i:9", "i:1"]],
    ["cut", {}, ["float32[2,6,1]", "i:4", "i:1"]],
  ])("%s", (_what, attrs, types) => {
    expect(agree("DFT", "", attrs, types)).toBeUndefined();
  });

  test("of frames, with and without a window", () => {
    expect(agree("STFT", "", {}, ["float32[2,20,1]", "i:4", "float32[8]"], ["y"], 17)).toBeUndefined();
    expect(agree("STFT", "", { onesided: 0 }, ["float32[2,20,1]", "i:3", "", "i:6"], ["y"], 17)).toBeUndefined();
  });

  test("windows are constants", () => {
    const window = (op: string, attrs: Attrs): readonly number[] => {
      const model = {
        opset: 17,
        nodes: [{ op, inputs: ["n"], outputs: ["y"], attrs }],
        outputs: ["y"],
        initializers: { n: literalOf("int64", [], [5]) },
      };
      const { elements } = importModel(modelBytes(model)).graph.outputs[0]!.literal!;
      return Array.from(elements as Float32Array, (number) => Number(number.toFixed(4)) + 0);
    };
    expect(window("HannWindow", { periodic: 0 })).toEqual([0, 0.5, 1, 0.5, 0]);
    expect(window("HannWindow", {})).toEqual([0, 0.3455, 0.9045, 0.9045, 0.3455]);
    expect(window("HammingWindow", { periodic: 0 })).toEqual([0.087, 0.5435, 1, 0.5435, 0.087]);
    expect(window("BlackmanWindow", { periodic: 0 })).toEqual([0, 0.34, 1, 0.34, 0]);
  });
});
