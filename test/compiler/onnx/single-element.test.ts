/** @file Operators over an axis of one element, which engines give otherwise than ONNX, or with rounding errors. */
import { afterAll, expect, test } from "vitest";
import { literalOf } from "../../../compiler/ir/literal.js";
import { exportGraph } from "../../../compiler/onnx/export.js";
import { importModel } from "../../../compiler/onnx/import.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { runOnce } from "../../../runtime/engine/run-once.js";
import { importedNodes, modelBytes } from "../../support/proto-model.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

/** The grid of an image [1, 1, height, width] under θ = [[1, 2, 3], [4, 5, 6]]. */
function grid(height: number, width: number): readonly number[] {
  const { graph } = importModel(
    modelBytes({
      nodes: [{ op: "AffineGrid", inputs: ["theta", "size"], outputs: ["y"], attrs: { align_corners: 1 } }],
      inputs: { theta: "float32[1,2,3]" },
      outputs: ["y"],
      initializers: { size: literalOf("int64", [4], [1, 1, height, width]) },
    }),
  );
  const theta = { dtype: "float32", shape: [1, 2, 3] } as const;
  const bytes = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
  const types = new Map(graph.outputs.map(({ name, type }) => [name, type]));
  const made = runOnce(engine, exportGraph(graph), new Map([["theta", { ...theta, bytes }]]), types).get("y")!;
  return [...new Float32Array(made.bytes.slice().buffer)];
}

test.each([
  [1, 3, [0, -3, 1, 1, 2, 5]],
  [3, 1, [0, -3, 2, 2, 4, 7]],
  [1, 1, [0, -3]],
])("the element of an axis of size 1 lies in the first corner: %d rows, %d columns", (height, width, numbers) => {
  expect(grid(height, width)).toEqual(numbers);
});

test("an instance of one element is normalized to its offset", () => {
  const model = {
    nodes: [{ op: "InstanceNormalization", inputs: ["x", "s", "b"], outputs: ["y"] }],
    inputs: { x: "float32[2,3,1]", s: "float32[3]", b: "float32[3]" },
    outputs: ["y"],
  };
  expect(importedNodes(model)).toEqual([
    "y/Reshape_0_0 = Reshape(b, {3, 1}) allowzero=1 : float32[3,1]",
    "y = Expand(y/Reshape_0_0, {2, 3, 1}) : float32[2,3,1]",
  ]);
});
