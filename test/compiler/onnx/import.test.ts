/** @file The import as a whole: models with reference outputs, parameters, names. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { literalOf } from "../../../compiler/ir/literal.js";
import { formatGraph } from "../../../compiler/ir/print.js";
import { verify } from "../../../compiler/ir/verify.js";
import { exportGraph } from "../../../compiler/onnx/export.js";
import { importModel } from "../../../compiler/onnx/import.js";
import { OPS } from "../../../compiler/ops/registry.js";
import type { Tensors } from "../../../compiler/plan/safetensors.js";
import { readSafetensors } from "../../../compiler/plan/safetensors.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { runOnce } from "../../../runtime/engine/run-once.js";
import { difference } from "../../support/difference.js";
import { weightsOf } from "../../support/import-oracle.js";
import type { BriefModel, BriefNode } from "../../support/proto-model.js";
import { briefNode, importedNodes, importedText, modelBytes } from "../../support/proto-model.js";

const FOLDER = fileURLToPath(new URL("../../../fixtures/reference/models/", import.meta.url));
const engine = createOrtEngine();
afterAll(() => engine.close());

interface CaseFile {
  readonly inputs: Readonly<Record<string, { readonly shape: readonly number[] }>>;
  readonly outputs: Readonly<Record<string, object>>;
  readonly trainable: readonly string[];
}

describe.each(readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory()))(
  "$name",
  ({ name }) => {
    const own = JSON.parse(readFileSync(`${FOLDER}${name}/case.json`, "utf8")) as CaseFile;
    const inputShapes = Object.fromEntries(Object.entries(own.inputs).map(([input, { shape }]) => [input, shape]));
    const model = importModel(new Uint8Array(readFileSync(`${FOLDER}${name}/model.onnx`)), { inputShapes });

    test("keeps the rules of the IR and the names of the file", () => {
      verify(model.graph, OPS, "import");
      const params = model.graph.params.map((value) => value.name);
      expect(own.trainable.filter((wanted) => !params.includes(wanted))).toEqual([]);
      expect(model.graph.outputs.map((value) => value.name)).toEqual(Object.keys(own.outputs));
    });

    test("gives the reference outputs", () => {
      const reference: Tensors = readSafetensors(readFileSync(`${FOLDER}${name}/reference.safetensors`));
      const feeds = new Map(model.graph.inputs.map((value) => [value.name, reference.get(`input.${value.name}`)!]));
      const types = new Map(model.graph.outputs.map((value) => [value.name, value.type]));
      const found = runOnce(engine, exportGraph(model.graph, { weights: weightsOf(model) }), feeds, types);
      const wrong = model.graph.outputs.map(({ name: output }) =>
        difference(found.get(output), reference.get(`output.${output}`)!, { relative: 5e-6, scaleOfZero: [] }),
      );
      expect(wrong.filter((reason) => reason !== undefined)).toEqual([]);
    });

    test("imports to the same text when it is exported", () => {
      const again = importModel(exportGraph(model.graph, { weights: weightsOf(model) }));
      expect(formatGraph(again.graph)).toBe(formatGraph(model.graph));
    });
  },
);

describe("initializers", () => {
  const add = { op: "Add", inputs: ["x", "w"], outputs: ["y"] };

  test("float ones are parameters, also when the file lists them as inputs", () => {
    const model: BriefModel = {
      nodes: [add],
      inputs: { x: "float32[2]", w: "float32[2]" },
      outputs: ["y"],
      initializers: { w: literalOf("float32", [2], [1, 2]) },
    };
    expect(importedText(model)).toBe(
      "graph test\ninput  x: float32[2]\nparam  w: float32[2]\n  y = Add(x, w) : float32[2]\noutput y\n",
    );
  });

  test("small integer ones are literals, large ones stay tensors", () => {
    const model = (count: number): BriefModel => ({
      nodes: [{ op: "Gather", inputs: ["x", "w"], outputs: ["y"] }],
      inputs: { x: "float32[2]" },
      outputs: ["y"],
      initializers: { w: literalOf("int64", [count], new Array<number>(count).fill(1)) },
    });
    expect(importedText(model(2))).toContain("y = Gather(x, {1, 1}) axis=0");
    expect(importedText(model(5000))).toContain("param  w: int64[5000]");
  });

  test("float ones that a shape or a limit needs are literals", () => {
    const model: BriefModel = {
      nodes: [{ op: "Clip", inputs: ["x", "low"], outputs: ["y"] }],
      inputs: { x: "float32[2]" },
      outputs: ["y"],
      initializers: { low: literalOf("float32", [], [0.5]) },
    };
    expect(importedNodes(model)).toEqual(["y = Clip(x, 0.5) : float32[2]"]);
    expect(importedText(model)).not.toContain("param");
  });

  test("limits that are computed from parameters stay computed, so that gradients reach them", () => {
    const model: BriefModel = {
      nodes: [
        { op: "Neg", inputs: ["bound"], outputs: ["low"] },
        { op: "Clip", inputs: ["x", "low"], outputs: ["y"] },
      ],
      inputs: { x: "float32[2]" },
      outputs: ["y"],
      initializers: { bound: literalOf("float32", [], [0.5]) },
    };
    expect(importedNodes(model)).toEqual(["low = Neg(bound) : float32[]", "y = Clip(x, low) : float32[2]"]);
  });

  test("weights that are nodes: ConstantOfShape named like a parameter, large Constant", () => {
    const model: BriefModel = {
      nodes: [
        {
          op: "ConstantOfShape",
          inputs: ["s"],
          outputs: ["layer.weight"],
          attrs: { value: { tensor: literalOf("float32", [1], [0.25]) } },
        },
        { op: "ConstantOfShape", inputs: ["s"], outputs: ["/ConstantOfShape_output_0"] },
        {
          op: "Constant",
          inputs: [],
          outputs: ["table"],
          attrs: { value: { tensor: literalOf("float32", [5000], new Array<number>(5000).fill(1)) } },
        },
        { op: "Add", inputs: ["layer.weight", "/ConstantOfShape_output_0"], outputs: ["h"] },
        { op: "Add", inputs: ["h", "table"], outputs: ["y"] },
      ],
      outputs: ["y"],
      initializers: { s: literalOf("int64", [1], [5000]) },
    };
    const { graph, weights } = importModel(modelBytes(model));
    expect(graph.params.map(({ name, id }) => [name, weights.get(id)!.kind])).toEqual([
      ["layer.weight", "fill"],
      ["table", "inline"],
    ]);
    expect(formatGraph(graph)).toContain("/ConstantOfShape_output_0 = Expand(0, {5000}) : float32[5000]");
  });

  test("small weights that are Constant nodes, but no constants with names of exporters, and no single numbers", () => {
    const constant = (output: string, shape: readonly number[], count: number): BriefNode => ({
      op: "Constant",
      inputs: [],
      outputs: [output],
      attrs: { value: { tensor: literalOf("float32", shape, new Array<number>(count).fill(0.5)) } },
    });
    const model: BriefModel = {
      nodes: [
        constant("fc.weight", [4, 3], 12),
        constant("fc.bias", [3], 3),
        constant("/norm/Constant_output_0", [3], 3),
        constant("half", [1], 1),
        constant("limits", [3], 3),
        { op: "Gemm", inputs: ["x", "fc.weight", "fc.bias"], outputs: ["h"] },
        { op: "Mul", inputs: ["h", "/norm/Constant_output_0"], outputs: ["n"] },
        { op: "Mul", inputs: ["n", "half"], outputs: ["m"] },
        { op: "Max", inputs: ["m", "limits"], outputs: ["y"] },
      ],
      inputs: { x: "float32[2,4]" },
      outputs: ["y"],
    };
    const imported = importModel(modelBytes(model));
    expect(imported.graph.params.map(({ name }) => name)).toEqual(["fc.weight", "fc.bias"]);
    const again = importModel(exportGraph(imported.graph, { weights: weightsOf(imported) }));
    expect(formatGraph(again.graph)).toBe(formatGraph(imported.graph));
  });

  const listed = (output: string, floats: readonly number[]): BriefNode => ({
    op: "Constant",
    inputs: [],
    outputs: [output],
    attrs: { value_floats: { floats } },
  });

  test("lists of numbers, also where operators that keep the elements stand between", () => {
    const model: BriefModel = {
      nodes: [
        listed("bias", [1, 2, 3]),
        listed("scale", [4, 5, 6]),
        listed("/Constant_output_0", [7, 8, 9]),
        listed("half", [0.5]),
        { op: "Identity", inputs: ["scale"], outputs: ["same"] },
        { op: "Transpose", inputs: ["same"], outputs: ["turned"] },
        { op: "Add", inputs: ["x", "bias"], outputs: ["a"] },
        { op: "Mul", inputs: ["a", "turned"], outputs: ["b"] },
        { op: "Add", inputs: ["b", "/Constant_output_0"], outputs: ["c"] },
        { op: "Mul", inputs: ["c", "half"], outputs: ["y"] },
      ],
      inputs: { x: "float32[2,3]" },
      outputs: ["y"],
    };
    const imported = importModel(modelBytes(model));
    expect(imported.graph.params.map(({ name }) => name)).toEqual(["bias", "scale"]);
    expect([...weightsOf(imported).values()].map((bytes) => [...new Float32Array(bytes.slice().buffer)])).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(imported.constants).toEqual(["/Constant_output_0", "half"]);
    const again = importModel(exportGraph(imported.graph, { weights: weightsOf(imported) }));
    expect(formatGraph(again.graph)).toBe(formatGraph(imported.graph));
  });

  test("no constants of functions and inner graphs, which are named instead", () => {
    const model: BriefModel = {
      nodes: [{ op: "Shifted", inputs: ["x"], outputs: ["y"], domain: "own", name: "call" }],
      inputs: { x: "float32[2,3]" },
      outputs: ["y"],
      domains: ["own"],
      functions: [
        {
          name: "Shifted",
          domain: "own",
          input: ["v"],
          output: ["w"],
          opset_import: [{ domain: "", version: 21 }],
          node: [
            briefNode(listed("shift", [1, 2, 3])),
            briefNode({ op: "Add", inputs: ["v", "shift"], outputs: ["w"] }),
          ],
        },
      ],
    };
    const { graph, constants } = importModel(modelBytes(model));
    expect(graph.params).toEqual([]);
    expect(constants).toEqual(["call/shift"]);
  });

  test("running statistics become states", () => {
    const names = ["scale", "bias", "mean", "var"];
    const model: BriefModel = {
      opset: 15,
      nodes: [
        { op: "BatchNormalization", inputs: ["x", ...names], outputs: ["y", "m", "v"], attrs: { training_mode: 1 } },
      ],
      inputs: { x: "float32[2,1,3]" },
      outputs: ["y"],
      initializers: Object.fromEntries(names.map((name) => [name, literalOf("float32", [1], [1])])),
    };
    expect(importedText(model)).toContain("state  mean <- m\nstate  var <- v\n");
  });
});

test("saved statistics of old batch normalisation may stand in the file, but not be read", () => {
  const names = ["scale", "bias", "mean", "var"];
  const model = (outputs: readonly string[]): BriefModel => ({
    opset: 9,
    nodes: [{ op: "BatchNormalization", inputs: ["x", ...names], outputs: ["y", "m", "v", "sm", "sv"] }],
    inputs: { x: "float32[2,1,3]" },
    outputs,
    initializers: Object.fromEntries(names.map((name) => [name, literalOf("float32", [1], [1])])),
  });
  expect(importedText(model(["y"]))).toContain("state  mean <- m\nstate  var <- v\n");
  expect(() => importedText(model(["y", "sm"]))).toThrow(
    'node y (BatchNormalization): its output 3, "sm", is read but not supported.',
  );
});

describe("outputs", () => {
  const relu = { op: "Relu", inputs: ["x"], outputs: ["y"] };

  test("an input may be an output, and get a copy under another name", () => {
    const model: BriefModel = {
      nodes: [
        relu,
        { op: "Identity", inputs: ["x"], outputs: ["z"] },
        { op: "Identity", inputs: ["y"], outputs: ["w"] },
      ],
      inputs: { x: "float32[2]" },
      outputs: ["x", "z", "y", "w"],
    };
    const { graph } = importModel(modelBytes(model));
    expect(graph.outputs.map(({ name }) => name)).toEqual(["x", "z", "y", "w"]);
    expect(graph.nodes.map(({ op }) => op)).toEqual(["Relu", "Identity", "Identity"]);
  });

  test("nodes in any order are sorted, dead ones dropped", () => {
    const model: BriefModel = {
      nodes: [{ op: "Neg", inputs: ["y"], outputs: ["z"] }, relu, { op: "Exp", inputs: ["x"], outputs: ["unused"] }],
      inputs: { x: "float32[2]" },
      outputs: ["z"],
    };
    expect(importedNodes(model)).toEqual(["y = Relu(x) : float32[2]", "z = Neg(y) : float32[2]"]);
  });
});

test("a chain of 50,000 nodes in reverse order imports", () => {
  const nodes = Array.from({ length: 50_000 }, (_, at) => ({
    op: "Neg",
    inputs: [at === 0 ? "x" : `v${at - 1}`],
    outputs: [`v${at}`],
  }));
  const { graph } = importModel(
    modelBytes({ nodes: nodes.reverse(), inputs: { x: "float32[2]" }, outputs: ["v49999"] }),
  );
  expect(graph.nodes.length).toBe(50_000);
});
