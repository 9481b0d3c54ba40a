/** @file Models that claim or leave out what a careless import would take: each refused with its own code, none by a crash. */
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../compiler/errors.js";
import { literalOf } from "../../compiler/ir/literal.js";
import { encodeModel } from "../../compiler/onnx/codec.js";
import { importModel } from "../../compiler/onnx/import.js";
import { DEFAULT_LIMITS } from "../../compiler/onnx/limits.js";
import type { GraphProto, ModelProto, TensorProto } from "../../compiler/onnx/proto.js";
import { scanModel } from "../../compiler/onnx/scan.js";
import { tensorProto } from "../../compiler/onnx/tensor-data.js";
import { bytesField } from "../../compiler/onnx/wire.js";
import type { BriefModel } from "../support/proto-model.js";
import { briefGraph, briefNode, modelBytes } from "../support/proto-model.js";

function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof PipewrightError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "none";
}

const inputs = { x: "float32[2,4]" };
const graph = (model: Partial<BriefModel>): BriefModel => ({ nodes: [], inputs, outputs: ["y"], ...model });
const refused = (model: BriefModel): string => refusalOf(() => importModel(modelBytes(model)));
const relu = { op: "Relu", inputs: ["x"], outputs: ["y"] };

describe("a model", () => {
  const whole = (more: Partial<ModelProto>, part: Partial<GraphProto> = {}): string =>
    refusalOf(() =>
      importModel(
        encodeModel({
          ir_version: 8,
          opset_import: [{ domain: "", version: 21 }],
          graph: { ...briefGraph(graph({ nodes: [relu] })), ...part },
          ...more,
        }),
      ),
    );

  it("of a newer format is refused with the newest one known", () => {
    expect(whole({ ir_version: 9999 })).toMatch(/^MODEL_UNSUPPORTED: model: ir_version 9999 is newer than 14/);
  });

  it("whose data are at no known place is refused", () => {
    const initializer = [{ name: "w", data_type: 1, dims: [1], raw_data: new Uint8Array(4), data_location: 7 }];
    expect(whole({}, { initializer })).toContain("graph.initializer[0].data_location is 7; expected 0 or 1");
  });

  it("of 60,000 unknown operators is refused with the first of them", () => {
    const nodes = Array.from({ length: 60_000 }, (_, at) => ({ op: `Op${at}`, inputs: ["x"], outputs: [`y${at}`] }));
    const said = refused(graph({ nodes, outputs: ["y0"] }));
    expect(said).toMatch(/^MODEL_UNSUPPORTED: model: 60000 nodes are not supported:\n {2}y0 \(Op0\)/);
    expect(said).toContain("\n  … and 59975 more\n");
  });

  it("without outputs is refused", () => {
    expect(whole({}, { output: [] })).toMatch(/^MODEL_MALFORMED: graph: it has no outputs/);
  });

  it.each([
    [[5, 5], "index 5 follows 5"],
    [[5, 1], "index 1 follows 5"],
  ])("with a sparse tensor at %j is refused", (places, what) => {
    const values: TensorProto = tensorProto(literalOf("float32", [2], [1, 2]), "w");
    const indices = tensorProto(literalOf("int64", [2], places), "at");
    const node = [briefNode({ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] })];
    expect(whole({}, { node, sparse_initializer: [{ values, indices, dims: [4, 3] }] })).toContain(what);
  });
});

describe("a node", () => {
  it("may have 100,000 inputs", () => {
    const sum = { op: "Sum", inputs: Array.from({ length: 100_000 }, () => "x"), outputs: ["y"] };
    expect(importModel(modelBytes(graph({ nodes: [sum] }))).graph.nodes).toHaveLength(1);
  });

  it("of an operator that is newer than the operator set is refused", () => {
    const gelu = { op: "Gelu", inputs: ["x"], outputs: ["y"] };
    expect(refused(graph({ nodes: [gelu], opset: 13 }))).toContain("operator set 13 has no Gelu; it came with 20.");
    expect(refused(graph({ nodes: [gelu], opset: 20 }))).toBe("none");
  });

  it("of If needs both branches, also the one that is not taken", () => {
    const branch = briefGraph({ nodes: [{ op: "Relu", inputs: ["x"], outputs: ["r"] }], outputs: ["r"] });
    const node = { op: "If", inputs: ["c"], outputs: ["y"], attrs: { then_branch: { graph: branch } } };
    expect(refused(graph({ nodes: [node], initializers: { c: literalOf("bool", [], [1]) } }))).toContain(
      'attribute "else_branch" holds no graph',
    );
  });

  it("cannot fill 2^40 elements, also under the name of a parameter", () => {
    const nodes = [
      { op: "ConstantOfShape", inputs: ["k"], outputs: ["h"] },
      { op: "ReduceSum", inputs: ["h"], outputs: ["s"], attrs: { keepdims: 0 } },
      { op: "Add", inputs: ["x", "s"], outputs: ["y"] },
    ];
    expect(refused(graph({ nodes, initializers: { k: literalOf("int64", [1], [2 ** 40]) } }))).toMatch(
      /^LIMIT_EXCEEDED: size of the output of .*--limit tensorElements=1099511627776/,
    );
  });

  it.each([
    [
      "Split into a billion parts",
      { op: "Split", inputs: ["x"], attrs: { num_outputs: 1e9 } },
      "it splits into 1000000000 parts",
    ],
    [
      "HannWindow of 2^40 samples",
      { op: "HannWindow", inputs: ["k"] },
      "node y (HannWindow): list of positions: it is too long",
    ],
    [
      "LSTM over a million steps",
      { op: "LSTM", inputs: ["sequence", "w", "r"], attrs: { hidden_size: 1 } },
      "--limit expandedNodes=",
    ],
  ])("of %s is refused before it fills the memory", (_, node, reason) => {
    const initializers = {
      k: literalOf("int64", [], [2 ** 40]),
      w: literalOf("float32", [1, 4, 1], [1, 1, 1, 1]),
      r: literalOf("float32", [1, 4, 1], [1, 1, 1, 1]),
    };
    const sequence = { ...inputs, sequence: "float32[1000000,1,1]" };
    expect(refused(graph({ nodes: [{ ...node, outputs: ["y"] }], inputs: sequence, initializers }))).toContain(reason);
  });

  const one = (op: string, attrs = {}, names: readonly string[] = ["x"]) => ({
    op,
    inputs: names,
    outputs: ["y"],
    attrs,
    name: "nd",
  });
  const body = (outputs: readonly string[]) => ({
    graph: briefGraph({
      nodes: [
        { op: "Identity", inputs: ["c"], outputs: ["d"] },
        { op: "Relu", inputs: ["v"], outputs: ["w"] },
      ],
      inputs: { i: "int64[]", c: "bool[]", v: "float32[2,4]" },
      outputs,
    }),
  });
  const branches = {
    then_branch: { graph: briefGraph({ nodes: [{ op: "Relu", inputs: ["x"], outputs: ["r"] }], outputs: ["r"] }) },
    else_branch: { graph: briefGraph({ nodes: [], outputs: [] }) },
  };
  const given = {
    ...{
      nan: literalOf("float32", [], [NaN]),
      infinite: literalOf("float32", [], [Infinity]),
      unit: literalOf("float32", [], [1]),
    },
    ...{
      minus: literalOf("int64", [], [-3]),
      two: literalOf("int64", [2], [1, 2]),
      true: literalOf("bool", [], [1]),
      trues: literalOf("bool", [2], [1, 1]),
    },
    ...{ w: literalOf("float32", [1, 4, 4], new Array<number>(16).fill(1)), on: literalOf("float32", [2], [0, 1]) },
  };
  it.each([
    [
      "a range to infinity",
      one("Range", {}, ["unit", "infinite", "unit"]),
      "the range from 1 to Infinity by 1 has no end",
    ],
    ["a range from NaN", one("Range", {}, ["nan", "unit", "unit"]), "the range from NaN to 1 by 1 has no end"],
    ["a window of -3 samples", one("HannWindow", {}, ["minus"]), "its size is -3"],
    [
      "-3 bands",
      one("MelWeightMatrix", {}, ["minus", "minus", "minus", "unit", "unit"]),
      "-3 bands of a transform of -3 samples",
    ],
    ["a depth of -3", one("OneHot", {}, ["two", "minus", "on"]), "an output has an axis of -3 elements"],
    ["-4 random numbers", one("RandomUniform", { shape: [-4] }, []), "an output has an axis of -4 elements"],
    [
      "a switch that is 7",
      one("MaxPool", { kernel_shape: [1], ceil_mode: 7 }),
      'attribute "ceil_mode" is wrong; got 7, expected 0 or 1',
    ],
    ["a slope of NaN", one("LeakyRelu", { alpha: { f: NaN } }), 'attribute "alpha" is wrong; got NaN'],
    [
      "another hidden size",
      one("RNN", { hidden_size: 9 }, ["s", "w", "w"]),
      'attribute "hidden_size" is wrong; got 9, expected 4',
    ],
    [
      "two trip counts",
      one("Loop", { body: body(["d", "w"]) }, ["two", "true", "x"]),
      "input 0 has 2 elements; expected one",
    ],
    [
      "a number for a condition",
      one("Loop", { body: body(["d", "w"]) }, ["minus", "unit", "x"]),
      "input 1 holds float32; expected bool",
    ],
    ["two conditions", one("If", branches, ["trues"]), "input 0 has 2 elements; expected one"],
    [
      "branches of other lengths",
      one("If", branches, ["true"]),
      "its branches have different numbers of outputs; got 1 and 0",
    ],
  ])("with %s is refused", (_, node, reason) => {
    const sequence = { ...inputs, s: "float32[3,2,4]" };
    expect(refused(graph({ nodes: [node], inputs: sequence, initializers: given }))).toContain(reason);
  });

  it.each([NaN, Infinity])("of Resize cannot scale by %d", (scale) => {
    const resize = { op: "Resize", inputs: ["x", "", "k"], outputs: ["y"] };
    const initializers = { k: literalOf("float32", [2], [1, scale]) };
    expect(refused(graph({ nodes: [resize], initializers }))).toMatch(/expected one positive number per axis/);
  });
});

describe("lists that cost more memory than bytes", () => {
  const pairs = (tag: number, count: number) => new Uint8Array(2 * count).map((_, at) => (at % 2 === 0 ? tag : 0));
  const node = (payload: Uint8Array) => bytesField(7, bytesField(1, payload));
  it.each([
    ["names", node(pairs(0x0a, 4_000_001)), "number of strings in the model file, at graph.node[0], is over the limit"],
    ["strings", node(bytesField(5, pairs(0x4a, 500_001))), "graph.node[0].attribute[0], is over the limit"],
    [
      "numbers",
      node(bytesField(5, pairs(0x40, 500_001))),
      "graph.node[0].attribute[0].ints: its length is over the limit",
    ],
    ["packed numbers", node(bytesField(5, bytesField(8, new Uint8Array(500_001)))), "attribute[0].ints: its length"],
    ["entries", pairs(0x72, 2_000_001), "number of messages in the model file is over the limit"],
    ["dims", bytesField(7, bytesField(5, bytesField(1, new Uint8Array(65)))), "graph.initializer[0].dims: its length"],
  ])("of %s are refused before they are decoded", (_, bytes, message) => {
    expect(refusalOf(() => scanModel(bytes, DEFAULT_LIMITS))).toContain(message);
  });
});
