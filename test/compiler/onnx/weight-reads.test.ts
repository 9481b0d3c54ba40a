/** @file Constants that functions of the model and inner graphs read where operators have weights. */
import { describe, expect, test } from "vitest";
import { importModel } from "../../../compiler/onnx/import.js";
import { literalOf } from "../../../compiler/ir/literal.js";
import type { BriefModel, BriefNode } from "../../support/proto-model.js";
import { briefNode, modelBytes } from "../../support/proto-model.js";

const listed = (output: string, floats: readonly number[]): BriefNode => ({
  op: "Constant",
  inputs: [],
  outputs: [output],
  attrs: { value_floats: { floats } },
});

describe("constants that functions of the model are called with", () => {
  const own = (name: string, input: readonly string[], output: string, node: readonly BriefNode[]) => ({
    name,
    domain: "own",
    input: [...input],
    output: [output],
    opset_import: [
      { domain: "", version: 21 },
      { domain: "own", version: 1 },
    ],
    node: node.map(briefNode),
  });
  const call = (name: string, inputs: readonly string[], output: string): BriefNode => ({
    op: name,
    inputs,
    outputs: [output],
    domain: "own",
  });
  const scaled = own("Scaled", ["v", "by"], "w", [{ op: "Mul", inputs: ["v", "by"], outputs: ["w"] }]);
  const bounded = own("Bounded", ["v", "most"], "w", [{ op: "Min", inputs: ["v", "most"], outputs: ["w"] }]);
  const outer = own("Outer", ["v", "factor"], "w", [
    { op: "Identity", inputs: ["factor"], outputs: ["same"] },
    call("Scaled", ["v", "same"], "w"),
  ]);
  const turned = own("Turned", ["v"], "w", [{ op: "Transpose", inputs: ["v"], outputs: ["w"] }]);
  const imported = (name: string, nodes: readonly BriefNode[]) =>
    importModel(
      modelBytes({
        nodes: [listed(name, [1, 2, 3]), ...nodes],
        inputs: { x: "float32[2,3]" },
        outputs: ["y"],
        domains: ["own"],
        functions: [scaled, bounded, outer, turned],
      }),
    );

  test.each<[string, readonly BriefNode[]]>([
    ["read as a weight", [call("Scaled", ["x", "scale"], "y")]],
    ["handed on to another function", [call("Outer", ["x", "scale"], "y")]],
    ["handed back", [call("Turned", ["scale"], "t"), { op: "Add", inputs: ["x", "t"], outputs: ["y"] }]],
  ])("are parameters when they are %s", (_where, nodes) => {
    const model = imported("scale", nodes);
    expect(model.graph.params.map(({ name }) => name)).toEqual(["scale"]);
    expect(model.constants).toEqual([]);
  });

  test("are listed when their names are made up", () => {
    const { graph, constants } = imported("/c", [call("Outer", ["x", "/c"], "y")]);
    expect(graph.params).toEqual([]);
    expect(constants).toEqual(["/c"]);
  });

  test("are neither where no weight stands", () => {
    const { graph, constants } = imported("limit", [call("Bounded", ["x", "limit"], "y")]);
    expect(graph.params).toEqual([]);
    expect(constants).toEqual([]);
  });

  test("are parameters in any case when they are initializers", () => {
    const model = modelBytes({
      nodes: [call("Outer", ["x", "scale"], "y")],
      inputs: { x: "float32[2,3]" },
      outputs: ["y"],
      domains: ["own"],
      functions: [scaled, outer],
      initializers: { scale: literalOf("float32", [3], [1, 2, 3]) },
    });
    expect(importModel(model).graph.params.map(({ name }) => name)).toEqual(["scale"]);
  });
});

test("a constant that an inner graph reads as a weight is a parameter", () => {
  const branch = { node: [briefNode({ op: "Mul", inputs: ["x", "scale"], outputs: ["z"] })], output: [{ name: "z" }] };
  const model: BriefModel = {
    nodes: [
      listed("scale", [1, 2, 3]),
      { op: "Constant", inputs: [], outputs: ["yes"], attrs: { value: { tensor: literalOf("bool", [], [1]) } } },
      {
        op: "If",
        inputs: ["yes"],
        outputs: ["y"],
        attrs: { then_branch: { graph: branch }, else_branch: { graph: branch } },
      },
    ],
    inputs: { x: "float32[2,3]" },
    outputs: ["y"],
  };
  expect(importModel(modelBytes(model)).graph.params.map(({ name }) => name)).toEqual(["scale"]);
});
