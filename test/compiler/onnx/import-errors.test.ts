/** @file What the import refuses, each error with its full text. */
import { describe, expect, test } from "vitest";
import { PipewrightError } from "../../../compiler/errors.js";
import { literalOf } from "../../../compiler/ir/literal.js";
import type { ImportOptions } from "../../../compiler/onnx/import.js";
import { importModel } from "../../../compiler/onnx/import.js";
import type { BriefModel } from "../../support/proto-model.js";
import { modelBytes } from "../../support/proto-model.js";

describe("errors", () => {
  const relu = { op: "Relu", inputs: ["x"], outputs: ["y"] };
  const inputs = { x: "float32[2]" };
  const outputs = ["y"];

  test.each<[string, BriefModel, ImportOptions, string, string]>([
    [
      "unbound dims",
      { nodes: [relu], inputs: { x: "float32[batch,3,len]" }, outputs },
      {},
      "DIM_UNBOUND",
      "model: 2 dims have no size: batch (axis 0 of input x), len (axis 2 of input x). Give --bind batch=SIZE --bind len=SIZE.",
    ],
    [
      "a dim that does not exist",
      { nodes: [relu], inputs: { x: "float32[batch]" }, outputs },
      { bind: { bacth: 2 } },
      "USAGE",
      "--bind bacth: the model has no dim of that name. Did you mean batch? It has batch.",
    ],
    [
      "unsupported operators, all of them",
      {
        nodes: [
          { op: "Relux", inputs: ["x"], outputs: ["a"], name: "first" },
          { op: "Neg", inputs: ["a"], outputs: ["b"] },
          { op: "Fancy", inputs: ["b"], outputs: ["y"], domain: "my.ops" },
        ],
        inputs,
        outputs,
        domains: ["my.ops"],
      },
      {},
      "MODEL_UNSUPPORTED",
      "model: 2 nodes are not supported:\n  first (Relux): operator Relux is not supported; the closest one is Relu.\n  y (Fancy): operator Fancy of domain my.ops is not supported.\n  Replace them in the model, or export with other operators.",
    ],
    [
      "a shape that depends on what is fed",
      { nodes: [{ op: "Reshape", inputs: ["x", "s"], outputs: ["y"] }], inputs: { ...inputs, s: "int64[1]" }, outputs },
      {},
      "MODEL_UNSUPPORTED",
      "model: a node is not supported:\n  y (Reshape): input 1 is not known at compile time, so the output has no static shape. Bind symbolic dimensions with --bind, or export with constant shapes.\n  Replace it in the model, or export with other operators.",
    ],
    [
      "an attribute that is not known",
      { nodes: [{ ...relu, attrs: { slope: 3 } }], inputs, outputs },
      {},
      "MODEL_MALFORMED",
      'node y (Relu): attribute "slope" does not exist. Remove it or correct its name.',
    ],
    [
      "an attribute of another kind",
      { nodes: [{ op: "Softmax", inputs: ["x"], outputs: ["y"], attrs: { axis: "last" } }], inputs, outputs },
      {},
      "MODEL_MALFORMED",
      'node y (Softmax): attribute "axis" is wrong; got string, expected int.',
    ],
    [
      "an axis outside the tensor",
      { opset: 11, nodes: [{ op: "Softmax", inputs: ["x"], outputs: ["y"], attrs: { axis: 3 } }], inputs, outputs },
      {},
      "SHAPE_MISMATCH",
      "node y (Softmax): axis 3 is outside a tensor of 1 axes.",
    ],
    [
      "a name that nothing makes",
      {
        nodes: [{ op: "Add", inputs: ["x", "wieght"], outputs: ["y"] }],
        inputs,
        outputs,
        initializers: { weight: literalOf("float32", [2], [0, 0]) },
      },
      {},
      "MODEL_MALFORMED",
      'node y (Add): reads "wieght", which nothing makes. Did you mean weight?',
    ],
    [
      "a cycle",
      {
        nodes: [
          { op: "Add", inputs: ["x", "b"], outputs: ["a"] },
          { op: "Neg", inputs: ["a"], outputs: ["b"] },
        ],
        inputs,
        outputs: ["b"],
      },
      {},
      "MODEL_MALFORMED",
      "graph: its nodes form a cycle: a -> b -> a.",
    ],
    [
      "two producers",
      { nodes: [relu, { op: "Neg", inputs: ["x"], outputs: ["y"], name: "again" }], inputs, outputs },
      {},
      "MODEL_MALFORMED",
      'value "y": made twice, by node y (Relu) and by node again (Neg). Names must be unique.',
    ],
    [
      "an output that nothing makes",
      { nodes: [relu], inputs, outputs: ["z"] },
      {},
      "MODEL_MALFORMED",
      'output "z" of the graph: reads "z", which nothing makes. Did you mean x?',
    ],
    [
      "too many outputs",
      { nodes: [{ op: "Relu", inputs: ["x"], outputs: ["y", "z"] }], inputs, outputs },
      {},
      "MODEL_MALFORMED",
      "node y (Relu): it has too many outputs; got 2, expected at most 1. Remove the others.",
    ],
    [
      "too many inputs of an operator that exists only at import",
      { nodes: [{ op: "Identity", inputs: ["x", "x"], outputs: ["y"] }], inputs, outputs },
      {},
      "MODEL_MALFORMED",
      "node y (Identity): it has too many inputs; got 2, expected at most 1. Remove the others.",
    ],
    [
      "an attribute with a typing error",
      { nodes: [{ op: "Softmax", inputs: ["x"], outputs: ["y"], attrs: { axes: 1 } }], inputs, outputs },
      {},
      "MODEL_MALFORMED",
      'node y (Softmax): attribute "axes" does not exist. Did you mean axis? Remove it or correct its name.',
    ],
    [
      "an operator set from the future",
      { opset: 99, nodes: [relu], inputs, outputs },
      {},
      "MODEL_UNSUPPORTED",
      "model: operator set 99 is newer than 27, the newest one known. Export for an older one.",
    ],
  ])("%s", (_what, model, options, code, message) => {
    let error: unknown;
    try {
      importModel(modelBytes(model), options);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(PipewrightError);
    expect((error as PipewrightError).message).toBe(message);
    expect((error as PipewrightError).code).toBe(code);
  });
});
