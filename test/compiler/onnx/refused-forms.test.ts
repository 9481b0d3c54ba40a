/** @file Every form that compiler/FEATURES.md calls refused is refused, with that reason, and rules refuse no others. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { literalOf } from "../../../compiler/ir/literal.js";
import type { RefusedForm } from "../../../compiler/onnx/refused-forms.js";
import { REFUSED_FORMS } from "../../../compiler/onnx/refused-forms.js";
import type { Attr, BriefModel } from "../../support/proto-model.js";
import { briefGraph, importedNodes } from "../../support/proto-model.js";

type Forms = typeof REFUSED_FORMS;
/** One model for every form; a form without one does not compile. */
type Models = { readonly [K in keyof Forms]: { readonly [P in keyof Forms[K]]: BriefModel } };

/** A model of one node; inputs are types, left out ("") or literals. */
function one(
  op: string,
  inputs: readonly (string | ReturnType<typeof literalOf>)[],
  attrs: Readonly<Record<string, Attr>> = {},
  { outputs = ["y"], opset = 21 }: { readonly outputs?: readonly string[]; readonly opset?: number } = {},
): BriefModel {
  const [name, domain] = op.startsWith("com.") ? [op.split(".").at(-1)!, "com.microsoft"] : [op, ""];
  const names = inputs.map((input, at) => (input === "" ? "" : `i${at}`));
  const entries = inputs.map((input, at) => [names[at]!, input] as const).filter(([own]) => own !== "");
  return {
    opset,
    domains: ["com.microsoft"],
    nodes: [{ op: name, domain, inputs: names, outputs, attrs }],
    inputs: Object.fromEntries(entries.flatMap(([own, type]) => (typeof type === "string" ? [[own, type]] : []))),
    outputs,
    initializers: Object.fromEntries(entries.flatMap(([own, type]) => (typeof type === "string" ? [] : [[own, type]]))),
  };
}

const scalar = (number: number) => literalOf("int64", [], [number]);

/** A loop whose body reads its inputs and collects `collected`. */
function loop(trips: number, nodes: BriefModel["nodes"], condition: string, collected: string): BriefModel {
  const body = briefGraph({
    nodes,
    inputs: { trip: "int64[]", on: "bool[]" },
    outputs: [condition, collected],
  });
  return { ...one("Loop", [scalar(trips), ""], { body: { graph: body } }), inputs: { x: "float32[2]" } };
}

/** A scan of no rows that collects `collected`. */
function scan(collected: string): BriefModel {
  const body = briefGraph({
    nodes: [{ op: "Neg", inputs: ["row"], outputs: ["z"] }],
    inputs: { row: "float32[2]" },
    outputs: [collected],
  });
  return one("Scan", ["float32[0,2]"], { body: { graph: body }, num_scan_inputs: 1 });
}

const positive = [
  { op: "ReduceSum", inputs: ["x"], outputs: ["s"], attrs: { keepdims: 0 } },
  { op: "Cast", inputs: ["s"], outputs: ["more"], attrs: { to: 9 } },
] as const;
const same = [{ op: "Identity", inputs: ["x"], outputs: ["z"] }] as const;
const stateless = briefGraph({
  nodes: [{ op: "Neg", inputs: ["row"], outputs: ["z"] }],
  inputs: { row: "float32[2]" },
  outputs: ["z"],
});
const heads = { num_heads: 2 } as const;
const features = "float32[1,2,4]";
const statistics = new Array<string>(4).fill("float32[3]");

const MODELS: Models = {
  BatchNormalization: {
    perActivation: one(
      "BatchNormalization",
      ["float32[2,3]", ...statistics],
      { spatial: 0 },
      { outputs: ["y", "m", "v"], opset: 7 },
    ),
  },
  ConcatFromSequence: {
    empty: {
      nodes: [
        { op: "SequenceEmpty", inputs: [], outputs: ["s"] },
        { op: "ConcatFromSequence", inputs: ["s"], outputs: ["y"], attrs: { axis: 0 } },
      ],
      outputs: ["y"],
    },
  },
  DeformConv: { axes: one("DeformConv", ["float32[1,1,2,2,2,2]", "float32[1,1,1,1,1,1]", "float32[1,4,2,2,2,2]"]) },
  DFT: { long: one("DFT", ["float32[1,4096,1]", "", scalar(1)]) },
  Loop: {
    unknownEnd: loop(3, [...positive, ...same], "more", "z"),
    shapeless: loop(0, same, "on", "z"),
    strings: loop(0, same, "on", "z: string[2]"),
  },
  QuantizeLinear: { narrow: one("QuantizeLinear", ["float32[2]", "float32[]"], { output_dtype: 6 }) },
  Scan: {
    lengths: one(
      "Scan",
      ["int64[2]", "float32[2,3,2]"],
      { body: { graph: stateless }, num_scan_inputs: 1 },
      { opset: 8 },
    ),
    shapeless: scan("z"),
    strings: scan("z: string[2]"),
  },
  STFT: { long: one("STFT", ["float32[1,5000,1]", scalar(1), "", scalar(4096)]) },
  "com.microsoft.Attention": {
    cache: one("com.microsoft.Attention", [features, "float32[4,12]", "", "", "float32[2,1,2,2,2]"], heads),
    mask: one("com.microsoft.Attention", [features, "float32[4,12]", "", "int32[3]"], heads),
  },
  "com.microsoft.FusedConv": {
    activation: one("com.microsoft.FusedConv", ["float32[1,1,3,3]", "float32[1,1,2,2]"], { activation: "Elu" }),
    autoPad: one("com.microsoft.FusedConv", ["float32[1,1,3,3]", "float32[1,1,2,2]"], { auto_pad: "SAME_UPPER" }),
  },
  "com.microsoft.FusedGemm": {
    activation: one("com.microsoft.FusedGemm", ["float32[2,3]", "float32[3,2]"], { activation: "Elu" }),
  },
  "com.microsoft.FusedMatMul": {
    batches: one("com.microsoft.FusedMatMul", ["float32[2,2]", "float32[2,2]"], { transBatchA: 1 }),
  },
  "com.microsoft.MultiHeadAttention": {
    cache: one(
      "com.microsoft.MultiHeadAttention",
      [features, features, features, "", "", "", "float32[1,2,2,2]"],
      heads,
    ),
    mask: one("com.microsoft.MultiHeadAttention", [features, features, features, "", "int32[3]"], heads),
    packed: one("com.microsoft.MultiHeadAttention", ["float32[1,2,2,3,2]"], heads),
  },
};

describe("a refused form", () => {
  const forms = Object.entries(REFUSED_FORMS).flatMap(([op, own]) =>
    Object.entries(own as Readonly<Record<string, RefusedForm>>).map(([form, [what, why]]) => ({
      op,
      form,
      what,
      why,
    })),
  );

  test.each(forms)("of $op: $form", ({ op, form, what, why }) => {
    const models: Readonly<Record<string, Readonly<Record<string, BriefModel>>>> = MODELS;
    expect(() => importedNodes(models[op]![form]!)).toThrow(`: ${what} is not supported: ${why}`);
  });
});

test("rules refuse valid nodes by forms of the table only", () => {
  const folders = ["decompose", "upgrade"].map((name) => new URL(`../../../compiler/onnx/${name}/`, import.meta.url));
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => new URL(name, folder)));
  const others = files.filter((file) => /unsupportedNode|MODEL_UNSUPPORTED/.test(readFileSync(file, "utf8")));
  expect(others.map(({ pathname }) => pathname)).toEqual([]);
});
