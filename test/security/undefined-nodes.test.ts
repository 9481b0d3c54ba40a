/**
 * @file Nodes that ONNX leaves without a meaning: settings outside their domain, constants that point nowhere, forms that
 * the operator set does not have. Each is refused with its place, and its neighbours that have a meaning are imported.
 */
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../compiler/errors.js";
import type { Literal } from "../../compiler/ir/graph.js";
import { literalOf } from "../../compiler/ir/literal.js";
import { importModel } from "../../compiler/onnx/import.js";
import type { Attr, BriefModel } from "../support/proto-model.js";
import { briefGraph, modelBytes } from "../support/proto-model.js";

interface Form {
  readonly attrs?: Readonly<Record<string, Attr>>;
  /** Constants behind the input, by name; "" leaves one out. */
  readonly given?: readonly (Literal | "")[];
  readonly outputs?: number;
  readonly opset?: number;
  /** Type of the input. */
  readonly x?: string;
}

/** An operator, what is said of it when it is refused, or undefined for one that is imported. */
type Case = readonly [op: string, form: Form, refusal?: string];

const floats = (...numbers: readonly number[]) => literalOf("float32", [numbers.length], numbers);
const float = (number: number) => literalOf("float32", [], [number]);
const ints = (...numbers: readonly number[]) => literalOf("int64", [numbers.length], numbers);
const int = (number: number) => literalOf("int64", [], [number]);
const shaped = (dtype: "float32" | "int64", shape: readonly number[], number = 0) =>
  literalOf(dtype, shape, new Array<number>(shape.reduce((product, size) => product * size, 1)).fill(number));

const IMAGE = "float32[1,2,4,4]";
const SEQUENCE = "float32[3,2,2]";
const weights = shaped("float32", [1, 8, 2]);
const channels = [floats(1, 1), floats(0, 0), floats(0, 0), floats(1, 1)];

function modelOf(
  op: string,
  { attrs = {}, given = [], outputs = 1, opset = 21, x = "float32[2,4]" }: Form,
): BriefModel {
  const names = given.map((literal, at) => (literal === "" ? "" : `c${at}`));
  const made = Array.from({ length: outputs }, (_, at) => (at === 0 ? "y" : `y${at}`));
  const constants = given.map((literal, at) => [`c${at}`, literal] as const);
  return {
    opset,
    nodes: [{ op, inputs: ["x", ...names], outputs: made, attrs, name: "nd" }],
    inputs: { x },
    outputs: ["y"],
    initializers: Object.fromEntries(constants.flatMap(([name, literal]) => (literal === "" ? [] : [[name, literal]]))),
  };
}

const SETTINGS: readonly Case[] = [
  ["BatchNormalization", { x: IMAGE, given: channels, attrs: { epsilon: { f: -1 } } }, '"epsilon" is wrong; got -1'],
  ["BatchNormalization", { x: IMAGE, given: channels, attrs: { epsilon: { f: 0 } } }],
  ["LayerNormalization", { given: [floats(1, 1, 1, 1)], attrs: { stash_type: 7 } }, '"stash_type" is wrong; got 7'],
  ["LayerNormalization", { given: [floats(1, 1, 1, 1)], attrs: { stash_type: 16 } }],
  ["LpPool", { x: IMAGE, attrs: { kernel_shape: [2, 2], p: 0 } }, '"p" is wrong; got 0, expected at least 1'],
  ["LpPool", { x: IMAGE, attrs: { kernel_shape: [2, 2], p: 1 } }],
  ["GlobalLpPool", { x: IMAGE, attrs: { p: -2 } }, '"p" is wrong; got -2, expected at least 1'],
  ["MaxPool", { x: IMAGE, attrs: { kernel_shape: [2, 2], pads: [2, 0, 0, 0] } }, "expected less than the kernel [2,2]"],
  ["MaxPool", { x: IMAGE, attrs: { kernel_shape: [2, 2], pads: [1, 1, 1, 1] } }],
  ["MaxPool", { x: IMAGE, attrs: { kernel_shape: [2, 2], auto_pad: "BOTH" } }, '"auto_pad" is wrong; got "BOTH"'],
  ["Gelu", { attrs: { approximate: "erf" } }, '"approximate" is wrong; got "erf", expected none, tanh'],
  ["CumSum", { given: [int(0)], attrs: { reverse: 2 } }, '"reverse" is wrong; got 2, expected 0 or 1'],
  ["RNN", { x: SEQUENCE, given: [weights, weights], attrs: { clip: { f: -1 } } }, '"clip" is wrong; got -1'],
  ["Resize", { given: ["", floats(1, 2)], attrs: { nearest_mode: "up" } }, '"nearest_mode" is wrong; got "up"'],
  ["Resize", { given: ["", floats(2, 2)], attrs: { axes: [1, 1] } }, "axes repeat; got [1,1]"],
  ["Resize", { given: ["", floats(2, 2)], attrs: { axes: [1] } }, "input 2 holds 2 numbers for 1 axes"],
  ["Resize", { given: ["", floats(2)], attrs: { axes: [1] } }],
  ["CenterCropPad", { given: [ints(2, 2)], attrs: { axes: [0, 0] } }, "axes repeat; got [0,0]"],
  ["Dropout", { opset: 11, attrs: { ratio: { f: 1 } } }, '"ratio" is wrong; got 1, expected less than 1'],
  ["Mod", { given: [float(2)] }, '"fmod" is 0; expected 1 for float32'],
  ["Mod", { given: [float(2)], attrs: { fmod: 1 } }],
];

const CONSTANTS: readonly Case[] = [
  ["Dropout", { given: [float(2)] }, "the ratio is 2; expected at least 0 and below 1"],
  ["Dropout", { given: [float(NaN)] }, "the ratio is NaN"],
  ["Dropout", { given: [float(0)] }],
  ["Dropout", { given: [floats(0.1, 0.2)] }, "input 1 has 2 elements; expected one"],
  ["QuantizeLinear", { given: [float(0)] }, "input 1 holds a scale of 0"],
  ["QuantizeLinear", { given: [float(NaN)] }, "input 1 holds a scale of NaN"],
  ["Gather", { given: [ints(2)] }, "index 2 is out of range; axis 0 has 2 elements"],
  ["Gather", { given: [ints(-2)] }],
  ["GatherElements", { given: [shaped("int64", [1, 1], 2)] }, "index 2 is out of range; axis 0 has 2 elements"],
  ["GatherND", { given: [shaped("int64", [1, 2], 3)] }, "index 3 is out of range; axis 0 of [2,4] has 2 elements"],
  ["GatherND", { given: [shaped("int64", [1, 2], -2)] }],
  [
    "ScatterElements",
    { given: [shaped("int64", [1, 1], -3), shaped("float32", [1, 1])] },
    "index -3 is out of range; axis 0 has 2 elements",
  ],
  ["ScatterElements", { given: [shaped("int64", [1, 1], 1), shaped("float32", [1, 1])] }],
  ["ScatterND", { given: [shaped("int64", [1, 2], 9), floats(1)] }, "index 9 is out of range; axis 0 of [2,4]"],
  ["ScatterND", { given: [shaped("int64", [1, 2], 1), floats(1)] }],
  [
    "MaxUnpool",
    { x: IMAGE, given: [shaped("int64", [1, 2, 4, 4], 999)], attrs: { kernel_shape: [2, 2] } },
    "index 999",
  ],
  ["Pad", { given: [shaped("int64", [2, 2])] }, "input 1 has 2 axes; expected a list of numbers"],
  ["Pad", { given: [ints(0, 0, 0, 0), floats(1, 2)] }, "input 2 has 2 elements; expected one"],
  ["Pad", { given: [ints(0, 0, 0, 0), "", ints(1, 1)] }, "axes repeat; got [1,1]"],
  ["TopK", { given: [ints(1, 2)], outputs: 2 }, "input 1 has 2 elements; expected one"],
  ["TopK", { given: [int(1)], outputs: 2 }],
  [
    "RNN",
    {
      x: SEQUENCE,
      given: [shaped("float32", [1, 2, 2]), shaped("float32", [1, 2, 2]), "", literalOf("int32", [2], [1, 9])],
    },
    "input 4 holds the length 9; expected 0 to 3",
  ],
  ["Clip", { given: [float(3), float(-3)] }],
  ["DequantizeLinear", { x: "uint8[2,4]", given: [float(0)] }],
];

const FORMS: readonly Case[] = [
  ["Clip", { opset: 10, given: [float(0)] }, "it has too many inputs; got 2, expected at most 1"],
  ["Clip", { opset: 11, given: [float(0)] }],
  [
    "Squeeze",
    { opset: 13, attrs: { axes: [0] }, x: "float32[1,4]" },
    '"axes" went with operator set 13; the model imports 13',
  ],
  ["Squeeze", { opset: 12, attrs: { axes: [0] }, x: "float32[1,4]" }],
  ["Shape", { opset: 14, attrs: { start: 1 } }, '"start" came with operator set 15; the model imports 14'],
  ["Scatter", { opset: 11, given: [ints(0), floats(1)] }, "operator set 11 has no Scatter; it went with 11"],
  ["Upsample", { opset: 10, given: [floats(2, 2)] }, "operator set 10 has no Upsample; it went with 10"],
  ["Upsample", { opset: 9, given: [floats(2, 2)] }],
  ["Gelu", { opset: 19 }, "operator set 19 has no Gelu; it came with 20"],
  ["Softmax", { attrs: { axis: { f: 1 } } }, '"axis" is wrong; got float, expected int'],
  ["LeakyRelu", { attrs: { alpha: 1 } }, '"alpha" is wrong; got int, expected float'],
  ["Sum", { given: ["", float(1)] }, "input 1 is missing; all of its inputs are required"],
  ["Sum", { given: [float(1)] }],
  ["Conv", { x: IMAGE, given: [shaped("int64", [2, 2, 1, 1])] }, "input 1 holds int64; expected floats"],
  ["Reshape", { given: [literalOf("int32", [1], [8])] }, "input 1 holds int32; expected int64"],
  ["Reshape", { given: [ints(8)] }],
  ["Gemm", { x: "float32[2,4]", given: [literalOf("float64", [4, 1], [1, 1, 1, 1])] }, "float32 and float64"],
  ["ScatterND", { given: [shaped("int64", [1, 2]), ints(1)] }, "inputs 0 and 2 differ in type; got float32 and int64"],
  ["Relu", { x: "bool[2]" }, "input 0 holds bool; expected numbers"],
  ["And", { given: [literalOf("bool", [], [1])] }, "input 0 holds float32; expected bool"],
];

function refusalOf(model: BriefModel): PipewrightError | undefined {
  try {
    importModel(modelBytes(model));
  } catch (error) {
    if (error instanceof PipewrightError) return error;
    throw error;
  }
  return undefined;
}

interface Titled {
  readonly title: string;
  readonly own: Case;
}

const titled = (cases: readonly Case[]): readonly Titled[] =>
  cases.map((own, at) => ({ title: `${at} ${own[0]}: ${own[2] ?? "imported"}`, own }));

function check({ own: [op, form, refusal] }: Titled): void {
  const error = refusalOf(modelOf(op, form));
  if (refusal === undefined) {
    expect(error?.message).toBeUndefined();
    return;
  }
  expect(error?.message).toContain(refusal);
  expect(error?.message).toContain("node nd");
  expect(error?.exitCode).toBe(3);
}

describe("a setting", () => {
  it.each(titled(SETTINGS))("$title", check);
});

describe("a constant", () => {
  it.each(titled(CONSTANTS))("$title", check);
});

describe("a form", () => {
  it.each(titled(FORMS))("$title", check);
});

describe("an inner graph", () => {
  const branch = { graph: briefGraph({ nodes: [{ op: "Relu", inputs: ["x"], outputs: ["r"] }], outputs: ["r"] }) };
  const body = {
    graph: briefGraph({
      nodes: [{ op: "Relu", inputs: ["v"], outputs: ["w"] }],
      inputs: { v: "float32[4]" },
      outputs: ["w"],
    }),
  };
  const scan = (attrs: Form["attrs"]): Case[1] => ({ attrs: { body, num_scan_inputs: 1, ...attrs } });

  it("has as many outputs as its node", () => {
    const model = {
      nodes: [
        {
          op: "If",
          inputs: ["c"],
          outputs: ["y", "z"],
          name: "nd",
          attrs: { then_branch: branch, else_branch: branch },
        },
      ],
      inputs: { x: "float32[2]" },
      outputs: ["y"],
      initializers: { c: literalOf("bool", [], [1]) },
    };
    expect(refusalOf(model)?.message).toBe(
      "node nd (If): it has too many outputs; got 2, expected at most 1. Remove the others.",
    );
  });

  const scans: readonly Case[] = [
    ["Scan", scan({ scan_input_directions: [2] }), '"scan_input_directions" is wrong; got [2], expected 1 of 0 or 1'],
    ["Scan", scan({ scan_input_directions: [1] })],
    ["Scan", scan({ scan_output_axes: [0, 0] }), '"scan_output_axes" is wrong; got [0,0], expected 1 numbers'],
    ["Scan", scan({ scan_input_axes: [0] })],
  ];
  it.each(titled(scans))("$title", check);
});
