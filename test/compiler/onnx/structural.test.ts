/** @file Branches, loops, sequences, optionals and functions: resolved at import, checked as text or against ONNX Runtime. */
import { describe, expect, test } from "vitest";
import { literalOf } from "../../../compiler/ir/literal.js";
import { DEFAULT_LIMITS } from "../../../compiler/onnx/limits.js";
import type { GraphProto } from "../../../compiler/onnx/proto.js";
import type { BriefModel, BriefNode } from "../../support/proto-model.js";
import { briefGraph, briefNode, importedNodes } from "../../support/proto-model.js";

const inputs = { x: "float32[2]" };
const int = (number: number) => literalOf("int64", [], [number]);
const flag = (on: boolean) => literalOf("bool", [], [on ? 1 : 0]);

function branch(op: string): GraphProto {
  return briefGraph({ nodes: [{ op, inputs: ["x"], outputs: ["r"] }], outputs: ["r"] });
}

describe("If", () => {
  const model = (on: boolean): BriefModel => ({
    nodes: [
      {
        op: "If",
        inputs: ["c"],
        outputs: ["y"],
        name: "choose",
        attrs: { then_branch: { graph: branch("Exp") }, else_branch: { graph: branch("Log") } },
      },
    ],
    inputs,
    outputs: ["y"],
    initializers: { c: flag(on) },
  });

  test.each([
    [true, "y = Exp(x) : float32[2]"],
    [false, "y = Log(x) : float32[2]"],
  ])("takes the branch of %s", (on, line) => {
    expect(importedNodes(model(on))).toEqual([line]);
  });

  test("is refused when the condition is fed", () => {
    expect(() => importedNodes({ ...model(true), inputs: { ...inputs, c: "bool[]" }, initializers: {} })).toThrow(
      "  choose (If): input 0 (c) depends on what is fed, so it is not known at compile time.\n",
    );
  });
});

/** Doubles a value and collects it: carried v, collected s. */
const doubling = (condition: BriefNode): GraphProto =>
  briefGraph({
    nodes: [condition, { op: "Add", inputs: ["v", "v"], outputs: ["w"] }],
    inputs: { i: "int64[]", go: "bool[]", v: "float32[2]" },
    outputs: ["on: bool[]", "w: float32[2]", "w: float32[2]"],
  });
const goOn: BriefNode = { op: "Identity", inputs: ["go"], outputs: ["on"] };

describe("Loop", () => {
  const model = (body: GraphProto, trips: number): BriefModel => ({
    nodes: [
      { op: "Loop", inputs: ["n", "", "x"], outputs: ["last", "all"], name: "loop", attrs: { body: { graph: body } } },
    ],
    inputs,
    outputs: ["last", "all"],
    initializers: { n: int(trips), three: int(1) },
  });

  test("is unrolled, collected values are stacked", () => {
    expect(importedNodes(model(doubling(goOn), 2))).toEqual([
      "loop/0/w = Add(x, x) : float32[2]",
      "last = Add(loop/0/w, loop/0/w) : float32[2]",
      "loop/Unsqueeze_2_0 = Unsqueeze(loop/0/w, {0}) : float32[1,2]",
      "loop/Unsqueeze_3_0 = Unsqueeze(last, {0}) : float32[1,2]",
      "all = Concat(loop/Unsqueeze_2_0, loop/Unsqueeze_3_0) axis=0 : float32[2,2]",
    ]);
  });

  test("ends when its condition says so", () => {
    const less: BriefNode = { op: "Less", inputs: ["i", "three"], outputs: ["on"] };
    expect(importedNodes(model(doubling(less), 100)).filter((line) => line.includes("Add"))).toEqual([
      "loop/0/w = Add(x, x) : float32[2]",
      "last = Add(loop/0/w, loop/0/w) : float32[2]",
    ]);
  });

  test("without iterations gives what it began with and empty collections", () => {
    expect(importedNodes(model(doubling(goOn), 0))).toEqual(["last = Identity(x) : float32[2]"]);
  });

  const few = { limits: { ...DEFAULT_LIMITS, expandedNodes: 50 } };
  const counted = (added: number | string): string =>
    `number of nodes that functions and loops add is over the limit; got ${added}, the limit is 50.`;

  test("is counted before it is unrolled", () => {
    expect(() => importedNodes(model(doubling(goOn), 1_000_000), few)).toThrow(
      `${counted(1_999_998)} Raise it with --limit expandedNodes=1999998.`,
    );
  });

  test("that never ends is over a limit at once", () => {
    const endless = model(doubling({ op: "Identity", inputs: ["go"], outputs: ["on"] }), 1);
    const nodes = [{ ...endless.nodes[0]!, inputs: ["", "", "x"] }];
    expect(() => importedNodes({ ...endless, nodes }, few)).toThrow(counted("more than 2^53"));
  });

  test("in a loop counts once for each iteration around it", () => {
    const attrs = { body: { graph: doubling(goOn) } };
    const inner: BriefNode = { op: "Loop", inputs: ["three", "", "v"], outputs: ["w", "parts"], attrs };
    const outer = { ...model({ ...doubling(goOn), node: [goOn, inner].map(briefNode) }, 9), initializers: {} };
    const initializers = { n: int(9), three: int(3) };
    expect(() => importedNodes({ ...outer, initializers }, few)).toThrow(counted(9 * (2 + 3 * 2) + 1 - 5));
  });

  test("whose condition is computed is unrolled as far as the limit", () => {
    const less: BriefNode = { op: "Less", inputs: ["i", "n"], outputs: ["on"] };
    expect(() => importedNodes(model(doubling(less), 1_000_000), few)).toThrow(counted(51));
  });

  test("lists an operator of its body once", () => {
    const body = doubling(goOn);
    const fancy = briefNode({ op: "Fancy", inputs: ["v"], outputs: ["w"] });
    expect(() => importedNodes(model({ ...body, node: [briefNode(goOn), fancy] }, 3))).toThrow(
      "model: a node is not supported:\n  loop/0/w (Fancy): operator Fancy is not supported.\n  Replace it",
    );
  });

  test("is refused when a fed value decides how long it runs", () => {
    const fed: BriefNode = { op: "Cast", inputs: ["total"], outputs: ["on"], attrs: { to: 9 } };
    const sum: BriefNode = { op: "ReduceSum", inputs: ["v"], outputs: ["total"], attrs: { keepdims: 0 } };
    const body = doubling(fed);
    expect(() => importedNodes(model({ ...body, node: [briefNode(sum), ...body.node!] }, 3))).toThrow(
      "  loop (Loop): a condition that depends on what is fed is not supported: the loop cannot be unrolled; got one after iteration 0.\n",
    );
  });
});

test("Scan walks along an axis, backwards too", () => {
  const body = briefGraph({
    nodes: [
      { op: "Add", inputs: ["sum", "slice"], outputs: ["next"] },
      { op: "Identity", inputs: ["next"], outputs: ["out"] },
    ],
    inputs: { sum: "float32[2]", slice: "float32[2]" },
    outputs: ["next", "out"],
  });
  const attrs = {
    body: { graph: body },
    num_scan_inputs: 1,
    scan_input_axes: [1],
    scan_input_directions: [1],
    scan_output_axes: [1],
  };
  const model: BriefModel = {
    nodes: [{ op: "Scan", inputs: ["x", "table"], outputs: ["last", "all"], name: "scan", attrs }],
    inputs: { x: "float32[2]", table: "float32[2,3]" },
    outputs: ["last", "all"],
  };
  expect(importedNodes(model)).toEqual([
    "scan/Split_0_0, scan/Split_0_1, scan/Split_0_2 = Split(table, {1, 1, 1}) axis=1 : float32[2,1], float32[2,1], float32[2,1]",
    "scan/Squeeze_1_0 = Squeeze(scan/Split_0_0, {1}) : float32[2]",
    "scan/Squeeze_2_0 = Squeeze(scan/Split_0_1, {1}) : float32[2]",
    "scan/Squeeze_3_0 = Squeeze(scan/Split_0_2, {1}) : float32[2]",
    "scan/0/next = Add(x, scan/Squeeze_3_0) : float32[2]",
    "scan/1/next = Add(scan/0/next, scan/Squeeze_2_0) : float32[2]",
    "last = Add(scan/1/next, scan/Squeeze_1_0) : float32[2]",
    "scan/Unsqueeze_7_0 = Unsqueeze(scan/0/next, {1}) : float32[2,1]",
    "scan/Unsqueeze_8_0 = Unsqueeze(scan/1/next, {1}) : float32[2,1]",
    "scan/Unsqueeze_9_0 = Unsqueeze(last, {1}) : float32[2,1]",
    "all = Concat(scan/Unsqueeze_7_0, scan/Unsqueeze_8_0, scan/Unsqueeze_9_0) axis=1 : float32[2,3]",
  ]);
});

describe("sequences", () => {
  const run = (nodes: readonly BriefNode[]): readonly string[] =>
    importedNodes({
      nodes,
      inputs: { x: "float32[2,3]", z: "float32[2,3]" },
      outputs: ["y"],
      initializers: { zero: int(0), one: int(1), back: int(-1), two: int(2) },
    });

  test("are split, indexed and joined", () => {
    expect(
      run([
        { op: "SplitToSequence", inputs: ["x", "two"], outputs: ["s"], attrs: { axis: 1 } },
        { op: "SequenceAt", inputs: ["s", "back"], outputs: ["part"] },
        { op: "SequenceInsert", inputs: ["s", "part", "zero"], outputs: ["t"] },
        { op: "ConcatFromSequence", inputs: ["t"], outputs: ["y"], attrs: { axis: 1 } },
      ]),
    ).toEqual([
      "s/Split_0_0, part = Split(x, {2, 1}) axis=1 : float32[2,2], float32[2,1]",
      "y = Concat(part, s/Split_0_0, part) axis=1 : float32[2,4]",
    ]);
  });

  test("are built, shortened, counted and mapped over", () => {
    const body = briefGraph({
      nodes: [{ op: "Mul", inputs: ["item", "scale"], outputs: ["r"] }],
      inputs: { item: "float32[2,3]", scale: "float32[2,3]" },
      outputs: ["r"],
    });
    expect(
      run([
        { op: "SequenceConstruct", inputs: ["x", "z", "x"], outputs: ["s"] },
        { op: "SequenceErase", inputs: ["s", "zero"], outputs: ["t"] },
        { op: "SequenceMap", inputs: ["t", "x"], outputs: ["u"], name: "map", attrs: { body: { graph: body } } },
        { op: "SequenceLength", inputs: ["u"], outputs: ["n"] },
        { op: "Cast", inputs: ["n"], outputs: ["m"], attrs: { to: 1 } },
        { op: "SequenceAt", inputs: ["u", "one"], outputs: ["h"] },
        { op: "Mul", inputs: ["h", "m"], outputs: ["y"] },
      ]),
    ).toEqual(["h = Mul(x, x) : float32[2,3]", "y = Mul(h, 2) : float32[2,3]"]);
  });

  test("of unknown length are refused as inputs of the model", () => {
    expect(() => run([{ op: "SequenceAt", inputs: ["x", "zero"], outputs: ["y"] }])).toThrow(
      "  y (SequenceAt): input 0 is no sequence of known length.\n",
    );
  });
});

test("optionals are unwrapped", () => {
  const model: BriefModel = {
    nodes: [
      { op: "Optional", inputs: ["x"], outputs: ["o"] },
      { op: "OptionalHasElement", inputs: ["o"], outputs: ["c"] },
      { op: "OptionalGetElement", inputs: ["o"], outputs: ["x2"] },
      {
        op: "If",
        inputs: ["c"],
        outputs: ["y"],
        attrs: { then_branch: { graph: branch("Exp") }, else_branch: { graph: branch("Log") } },
      },
    ],
    inputs,
    outputs: ["y"],
  };
  expect(importedNodes(model)).toEqual(["y = Exp(x) : float32[2]"]);
});

describe("functions", () => {
  const leaky = {
    name: "Leaky",
    domain: "my",
    input: ["a", "unused"],
    output: ["r"],
    attribute: ["slope"],
    attribute_proto: [{ name: "twice", type: 2, i: 0 }],
    node: [briefNode({ op: "LeakyRelu", inputs: ["a"], outputs: ["r"], attrs: { alpha: { ref: "slope", type: 1 } } })],
    opset_import: [{ domain: "", version: 21 }],
  };
  const call: BriefNode = {
    op: "Leaky",
    domain: "my",
    inputs: ["x"],
    outputs: ["y"],
    name: "act",
    attrs: { slope: { f: 0.25 } },
  };

  test("are inlined with the attributes of the call", () => {
    expect(importedNodes({ nodes: [call], inputs, outputs: ["y"], functions: [leaky], domains: ["my"] })).toEqual([
      "y = LeakyRelu(x) alpha=0.25 : float32[2]",
    ]);
  });

  test("that call themselves are refused", () => {
    const recursive = { ...leaky, node: [briefNode({ op: "Leaky", domain: "my", inputs: ["a"], outputs: ["r"] })] };
    expect(() =>
      importedNodes({ nodes: [call], inputs, outputs: ["y"], functions: [recursive], domains: ["my"] }),
    ).toThrow("function Leaky: calls itself.");
  });

  test("that double each other are counted before they are inlined", () => {
    const level = (at: number) => ({
      name: `F${at}`,
      domain: "my",
      input: ["a"],
      output: ["r"],
      opset_import: [{ domain: "", version: 21 }],
      node: [
        briefNode({ op: at === 0 ? "Neg" : `F${at - 1}`, domain: at === 0 ? "" : "my", inputs: ["a"], outputs: ["b"] }),
        briefNode({ op: at === 0 ? "Neg" : `F${at - 1}`, domain: at === 0 ? "" : "my", inputs: ["b"], outputs: ["r"] }),
      ],
    });
    const functions = Array.from({ length: 40 }, (_, at) => level(at));
    expect(() =>
      importedNodes({ nodes: [{ ...call, op: "F39" }], inputs, outputs: ["y"], functions, domains: ["my"] }),
    ).toThrow(
      "number of nodes that inlining functions adds is over the limit; got 1099511627695, the limit is 50000. Raise it with --limit expandedNodes=1099511627695.",
    );
  });
});
