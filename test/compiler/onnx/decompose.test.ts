/** @file Decomposed operators against ONNX Runtime, which runs the originals. */
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { literalOf } from "../../../compiler/ir/literal.js";
import { exportGraph } from "../../../compiler/onnx/export.js";
import { importModel } from "../../../compiler/onnx/import.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { runOnce } from "../../../runtime/engine/run-once.js";
import { importDifference } from "../../support/import-oracle.js";
import type { Attr, BriefNode } from "../../support/proto-model.js";
import { importedNodes, modelBytes } from "../../support/proto-model.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

const bytesOf = (numbers: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(numbers).buffer);
const int64s = (...numbers: readonly number[]) => literalOf("int64", [numbers.length], numbers);

/** One node whose inputs are all fed. "" leaves an input out. */
function agree(
  node: Omit<BriefNode, "inputs" | "outputs"> & { readonly outputs?: readonly string[] },
  types: readonly string[],
  opset = 21,
): string | undefined {
  const names = types.map((type, at) => (type === "" ? "" : `x${at}`));
  const inputs = Object.fromEntries(names.flatMap((name, at) => (name === "" ? [] : [[name, types[at]!]])));
  const outputs = node.outputs ?? ["y"];
  return importDifference(
    engine,
    modelBytes({
      opset,
      nodes: [{ ...node, inputs: names, outputs }],
      inputs,
      outputs: outputs.filter((name) => name !== ""),
    }),
  );
}

describe("Einsum", () => {
  const run = (equation: string, ...shapes: readonly string[]) =>
    agree(
      { op: "Einsum", attrs: { equation } },
      shapes.map((shape) => `float32[${shape}]`),
    );

  test.each([
    ["ij,jk->ik", "2,3", "3,4"],
    ["bij,bjk->bik", "2,3,4", "2,4,5"],
    ["bhqd,bhkd->bhqk", "2,3,4,5", "2,3,6,5"],
    ["...ij,...jk->...ik", "2,5,3,4", "2,5,4,2"],
    ["i,j->ij", "3", "4"],
    ["ij->ji", "2,3"],
    ["ij->", "2,3"],
    ["ij->j", "2,3"],
    ["ii->i", "3,3"],
    ["ii", "3,3"],
    ["iji->j", "3,2,3"],
    ["ij,ij->ij", "2,3", "2,3"],
    ["ij,ij", "2,3", "2,3"],
    ["bn,anm,bm->ba", "2,3", "4,3,5", "2,5"],
    ["a,b,c->abc", "2", "3", "4"],
    ["bdc,dc->bd", "2,3,4", "3,4"],
    ["...i->...", "2,3,4"],
    ["ba,cb", "2,3", "4,2"],
  ])("%s", (equation, ...shapes) => {
    expect(run(equation, ...shapes)).toBeUndefined();
  });

  test("any two or three operands of up to three labels each", () => {
    const term = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(term, { minLength: 1, maxLength: 3 }), fc.nat(), (terms, pick) => {
        const labels = [...new Set(terms.flat())];
        const output = labels.filter((_, at) => (pick >> at) & 1);
        const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, c: 1, d: 4 };
        const equation = `${terms.map((own) => own.join("")).join(",")}->${output.join("")}`;
        expect(run(equation, ...terms.map((own) => own.map((label) => sizes[label]).join(",")))).toBeUndefined();
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  test("an ellipsis broadcasts, also over different numbers of axes", () => {
    const node = { op: "Einsum", inputs: ["a", "b"], outputs: ["y"], attrs: { equation: "...ij,...jk->...ik" } };
    const lines = importedNodes({
      nodes: [node],
      inputs: { a: "float32[2,1,3,4]", b: "float32[5,4,2]" },
      outputs: ["y"],
    });
    expect(lines.at(-1)).toMatch(/^y = .* : float32\[2,5,3,2\]$/);
  });

  test("is one product of matrices where it can be", () => {
    const model = {
      nodes: [{ op: "Einsum", inputs: ["a", "b"], outputs: ["y"], attrs: { equation: "bij,bjk->bik" } }],
      inputs: { a: "float32[2,3,4]", b: "float32[2,4,5]" },
      outputs: ["y"],
    };
    expect(importedNodes(model)).toEqual(["y = MatMul(a, b) : float32[2,3,5]"]);
  });

  test.each([
    ["ij,jk->ik", "2,3", "4,4", 'axis "j" of its equation has the sizes 3 and 4'],
    ["ij->ik", "2,3", undefined, 'the result of equation "ij->ik" repeats a label or has one that no term has'],
    ["ijk->i", "2,3", undefined, 'term "ijk" does not fit input 0 of 2 axes'],
    ["i?->i", "2,3", undefined, 'term "i?" of its equation is malformed'],
    ["i,j->i", "2", undefined, 'equation "i,j->i" has 2 terms for 1 inputs'],
  ])("%s is refused for [%s] and [%s]", (equation, a, c, message) => {
    const inputs: Record<string, string> = { a: `float32[${a}]` };
    if (c !== undefined) inputs.c = `float32[${c}]`;
    const node = { op: "Einsum", inputs: Object.keys(inputs), outputs: ["y"], attrs: { equation } };
    expect(() => importedNodes({ nodes: [node], inputs, outputs: ["y"] })).toThrow(`node y (Einsum): ${message}.`);
  });
});

describe("recurrent operators", () => {
  const [steps, batch, features, hidden] = [3, 2, 4, 3];
  const gates = { RNN: 1, GRU: 3, LSTM: 4 } as const;
  type Kind = keyof typeof gates;
  interface Options {
    readonly direction?: "forward" | "reverse" | "bidirectional";
    readonly bias?: boolean;
    readonly lengths?: boolean;
    readonly initial?: boolean;
    readonly peepholes?: boolean;
    readonly attrs?: Readonly<Record<string, Attr>>;
  }

  function run(
    kind: Kind,
    { direction = "forward", bias = false, lengths = false, initial = false, peepholes = false, attrs = {} }: Options,
  ) {
    const d = direction === "bidirectional" ? 2 : 1;
    const rows = gates[kind] * hidden;
    const types: Record<string, string> = {
      x: `float32[${steps},${batch},${features}]`,
      w: `float32[${d},${rows},${features}]`,
      r: `float32[${d},${rows},${hidden}]`,
      ...(bias ? { b: `float32[${d},${2 * rows}]` } : {}),
      ...(initial ? { h: `float32[${d},${batch},${hidden}]` } : {}),
      ...(initial && kind === "LSTM" ? { c: `float32[${d},${batch},${hidden}]` } : {}),
      ...(peepholes ? { p: `float32[${d},${3 * hidden}]` } : {}),
    };
    const present = (name: string): string => (name in types ? name : "");
    const inputs = [
      "x",
      "w",
      "r",
      present("b"),
      lengths ? "lengths" : "",
      present("h"),
      ...(kind === "LSTM" ? [present("c"), present("p")] : []),
    ];
    const outputs = kind === "LSTM" ? ["y", "yh", "yc"] : ["y", "yh"];
    const node = { op: kind, inputs, outputs, attrs: { hidden_size: hidden, direction, ...attrs } };
    const initializers = lengths ? { lengths: literalOf("int32", [batch], [steps, 1]) } : {};
    return importDifference(engine, modelBytes({ opset: 14, nodes: [node], inputs: types, outputs, initializers }));
  }

  const kinds: readonly Kind[] = ["RNN", "GRU", "LSTM"];
  const cases = kinds.flatMap((kind): readonly (readonly [string, Kind, Options])[] => [
    [`${kind}`, kind, {}],
    [`${kind} reverse with bias`, kind, { direction: "reverse", bias: true }],
    [`${kind} in both directions with initial state`, kind, { direction: "bidirectional", bias: true, initial: true }],
    [`${kind} with lengths`, kind, { bias: true, lengths: true, initial: true }],
    [`${kind} in both directions with lengths`, kind, { direction: "bidirectional", lengths: true, bias: true }],
    [`${kind} clipped`, kind, { attrs: { clip: { f: 0.1 } }, bias: true }],
  ]);
  test.each([
    ...cases,
    ["GRU, linear before reset", "GRU", { bias: true, attrs: { linear_before_reset: 1 } }],
    [
      "GRU with other activations",
      "GRU",
      {
        attrs: {
          activations: ["HardSigmoid", "Softsign"],
          activation_alpha: { floats: [0.3] },
          activation_beta: { floats: [0.4] },
        },
      },
    ],
    ["LSTM with peepholes", "LSTM", { bias: true, initial: true, peepholes: true }],
    ["LSTM with coupled gates", "LSTM", { bias: true, attrs: { input_forget: 1 } }],
    [
      "LSTM with other activations",
      "LSTM",
      {
        attrs: {
          activations: ["Sigmoid", "ScaledTanh", "Affine"],
          activation_alpha: { floats: [0.5, 2] },
          activation_beta: { floats: [0.7, 0.1] },
        },
      },
    ],
    ["RNN with Relu", "RNN", { attrs: { activations: ["Relu"] } }],
    [
      "RNN with LeakyRelu in both directions",
      "RNN",
      {
        direction: "bidirectional",
        attrs: { activations: ["LeakyRelu", "Elu"], activation_alpha: { floats: [0.2, 0.9] } },
      },
    ],
  ] as readonly (readonly [string, Kind, Options])[])("%s", (_what, kind, options) => {
    expect(run(kind, options)).toBeUndefined();
  });

  test("batch-first layout is the same with the axes swapped", () => {
    const inputs = { x: "float32[2,3,4]", w: "float32[1,12,4]", r: "float32[1,12,3]" };
    const lines = importedNodes({
      opset: 14,
      nodes: [{ op: "LSTM", inputs: ["x", "w", "r"], outputs: ["y", "yh"], attrs: { layout: 1, hidden_size: 3 } }],
      inputs,
      outputs: ["y", "yh"],
    });
    expect(lines[0]).toBe("y/Transpose_0_0 = Transpose(x) perm=[1,0,2] : float32[3,2,4]");
    expect(lines.filter((line) => /^yh? = /.test(line)).map((line) => line.replace(/\(.*\)/, "()"))).toEqual([
      "y = Transpose() perm=[2,0,1,3] : float32[2,3,1,3]",
      "yh = Transpose() perm=[1,0,2] : float32[2,1,3]",
    ]);
  });
});

describe("losses", () => {
  test.each(["mean", "sum", "none"])("%s", (reduction) => {
    for (const op of ["SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"]) {
      expect(agree({ op, attrs: { reduction } }, ["float32[3,4]", "int64[3]"])).toBeUndefined();
      expect(agree({ op, attrs: { reduction } }, ["float32[3,4,2]", "int64[3,2]", "float32[4]"])).toBeUndefined();
      expect(
        agree({ op, attrs: { reduction, ignore_index: 1 } }, ["float32[5,4,2]", "int64[5,2]", "float32[4]"]),
      ).toBeUndefined();
    }
  });

  test("the log probabilities are an output too", () => {
    expect(agree({ op: "SoftmaxCrossEntropyLoss", outputs: ["y", "p"] }, ["float32[3,4]", "int64[3]"])).toBeUndefined();
  });
});

describe("Attention", () => {
  const attention = (
    attrs: Readonly<Record<string, Attr>>,
    types: readonly string[],
    outputs: readonly string[] = ["y"],
  ) => agree({ op: "Attention", attrs, outputs }, types, 23);
  const qkv = ["float32[2,4,3,8]", "float32[2,4,6,8]", "float32[2,4,6,5]"];

  test.each<[string, Readonly<Record<string, Attr>>, readonly string[]]>([
    ["plain", {}, qkv],
    ["scaled and capped", { scale: { f: 0.1 }, softcap: { f: 2 } }, qkv],
    ["causal", { is_causal: 1 }, ["float32[2,4,5,8]", "float32[2,4,5,8]", "float32[2,4,5,8]"]],
    ["float mask", {}, [...qkv, "float32[3,6]"]],
    ["bool mask", {}, [...qkv, "bool[2,1,3,6]"]],
    ["grouped heads", {}, ["float32[2,4,3,8]", "float32[2,2,6,8]", "float32[2,2,6,5]"]],
    ["three axes", { q_num_heads: 4, kv_num_heads: 2 }, ["float32[2,3,32]", "float32[2,6,16]", "float32[2,6,10]"]],
  ])("%s", (_what, attrs, types) => {
    expect(attention(attrs, types)).toBeUndefined();
  });

  test("past and present keys", () => {
    const types = [
      "float32[2,4,3,8]",
      "float32[2,4,3,8]",
      "float32[2,4,3,8]",
      "",
      "float32[2,4,5,8]",
      "float32[2,4,5,8]",
    ];
    expect(attention({}, types, ["y", "k", "v"])).toBeUndefined();
  });

  test.each([0, 1, 3])("scores in mode %d", (mode) => {
    expect(attention({ qk_matmul_output_mode: mode, softcap: { f: 3 } }, qkv, ["y", "", "", "s"])).toBeUndefined();
  });
});

describe("rotary embedding", () => {
  test.each<[string, Readonly<Record<string, Attr>>, readonly string[]]>([
    ["halves", {}, ["float32[2,3,4,8]", "float32[2,4,4]", "float32[2,4,4]"]],
    ["interleaved", { interleaved: 1 }, ["float32[2,3,4,8]", "float32[2,4,4]", "float32[2,4,4]"]],
    ["with positions", {}, ["float32[2,3,4,8]", "float32[6,4]", "float32[6,4]", "int64[2,4]"]],
    [
      "of a part, three axes",
      { num_heads: 3, rotary_embedding_dim: 4 },
      ["float32[2,4,24]", "float32[6,2]", "float32[6,2]", "int64[2,4]"],
    ],
  ])("%s", (_what, attrs, types) => {
    expect(agree({ op: "RotaryEmbedding", attrs }, types, 23)).toBeUndefined();
  });
});

describe("small operators", () => {
  test.each<[string, Readonly<Record<string, Attr>>, readonly string[], number]>([
    ["RMSNormalization", {}, ["float32[2,3,4]", "float32[4]"], 23],
    ["RMSNormalization", { axis: 1, epsilon: { f: 0.1 } }, ["float32[2,3,4]", "float32[3,4]"], 23],
    ["TensorScatter", {}, ["float32[2,3,6,4]", "float32[2,3,2,4]", "int64[2]"], 24],
    ["TensorScatter", { mode: "circular", axis: 1 }, ["float32[2,6,4]", "float32[2,2,4]"], 24],
  ])("%s %o", (op, attrs, types, opset) => {
    expect(agree({ op, attrs }, types, opset)).toBeUndefined();
  });

  test.each([3, 9, 11, 101])("LRN over %i of 4 channels", (size) => {
    expect(agree({ op: "LRN", attrs: { size, alpha: { f: 0.5 } } }, ["float32[2,4,3,2]"])).toBeUndefined();
  });

  test("LRN takes no longer for a window beyond all channels", () => {
    const lines = importedNodes({
      nodes: [{ op: "LRN", inputs: ["x"], outputs: ["y"], attrs: { size: 2 ** 31 - 1 } }],
      inputs: { x: "float32[1,4,2,2]" },
      outputs: ["y"],
    });
    expect(lines.find((line) => line.includes("AveragePool"))).toMatch(/kernel_shape=\[7,1\] pads=\[3,0,3,0\]/);
  });

  test("Gemm over no elements is β times its bias", () => {
    const node = { op: "Gemm", inputs: ["a", "b", "c"], outputs: ["y"], attrs: { beta: { f: 0.5 }, transB: 1 } };
    const inputs = { a: "float32[2,0]", b: "float32[3,0]", c: "float32[3]" };
    const { graph } = importModel(modelBytes({ nodes: [node], inputs, outputs: ["y"] }));
    const feeds = new Map(
      graph.inputs.map(({ name, type }) => [name, { ...type, bytes: bytesOf(name === "c" ? [2, 4, -6] : []) }]),
    );
    const y = runOnce(engine, exportGraph(graph), feeds, new Map([["y", graph.outputs[0]!.type]])).get("y")!;
    expect([...new Float32Array(y.bytes.slice().buffer)]).toEqual([1, 2, -3, 1, 2, -3]);
  });

  test("Swish", () => {
    const lines = importedNodes({
      opset: 24,
      nodes: [{ op: "Swish", inputs: ["x"], outputs: ["y"], attrs: { alpha: { f: 2 } } }],
      inputs: { x: "float32[3]" },
      outputs: ["y"],
    });
    expect(lines.map((line) => line.replace(/y\/(\w+?)_\d+_0/g, "$1"))).toEqual([
      "Mul = Mul(x, 2) : float32[3]",
      "Sigmoid = Sigmoid(Mul) : float32[3]",
      "y = Mul(x, Sigmoid) : float32[3]",
    ]);
  });

  test("CumProd", () => {
    const bytes = modelBytes({
      opset: 26,
      nodes: [{ op: "CumProd", inputs: ["x", "axis"], outputs: ["y"], attrs: { exclusive: 1, reverse: 1 } }],
      outputs: ["y"],
      initializers: { x: int64s(2, 3, 4), axis: int64s(0) },
    });
    expect(importModel(bytes).graph.outputs[0]!.literal).toEqual(int64s(12, 4, 1));
  });
});
