/** @file Nodes that the import makes vanish: copies, operators of one input, shape arithmetic. */
import { describe, expect, test } from "vitest";
import { constants } from "../../support/case-constants.js";
import type { BriefNode } from "../../support/proto-model.js";
import { importedNodes } from "../../support/proto-model.js";

const X = { x: "float32[2,3,4]" };

describe("what vanishes", () => {
  const last = { op: "Relu", inputs: ["h"], outputs: ["y"] };
  const relu = ["y = Relu(x) : float32[2,3,4]"];
  test.each<[string, number, BriefNode]>([
    ["Identity", 13, { op: "Identity", inputs: ["x"], outputs: ["h"] }],
    ["Dropout of opset 7", 7, { op: "Dropout", inputs: ["x"], outputs: ["h"], attrs: { ratio: { f: 0.5 } } }],
    ["Dropout without training mode", 13, { op: "Dropout", inputs: ["x", "f:0.5"], outputs: ["h"] }],
    ["Cast to the same type", 13, { op: "Cast", inputs: ["x"], outputs: ["h"], attrs: { to: 1 } }],
    ["CastLike of the same type", 15, { op: "CastLike", inputs: ["x", "f:1"], outputs: ["h"] }],
    ["Concat of one", 13, { op: "Concat", inputs: ["x"], outputs: ["h"], attrs: { axis: 0 } }],
    ["Max of one", 13, { op: "Max", inputs: ["x"], outputs: ["h"] }],
  ])("%s", (_what, opset, node) => {
    expect(
      importedNodes({ opset, nodes: [node, last], inputs: X, outputs: ["y"], initializers: constants([node]) }),
    ).toEqual(relu);
  });

  test("a range whose ends are cast", () => {
    const nodes: readonly BriefNode[] = [
      { op: "CastLike", inputs: ["i:5", "i:0"], outputs: ["end"] },
      { op: "Squeeze", inputs: ["end"], outputs: ["stop"] },
      { op: "Squeeze", inputs: ["i:0"], outputs: ["start"] },
      { op: "Squeeze", inputs: ["i:2"], outputs: ["step"] },
      { op: "Range", inputs: ["start", "stop", "step"], outputs: ["places"] },
      { op: "Gather", inputs: ["x", "places"], outputs: ["y"] },
    ];
    const model = { opset: 15, nodes, inputs: { x: "float32[5,3]" }, outputs: ["y"], initializers: constants(nodes) };
    expect(importedNodes(model)).toEqual(["y = Gather(x, {0, 2, 4}) axis=0 : float32[3,3]"]);
  });

  test("shape arithmetic", () => {
    const nodes: readonly BriefNode[] = [
      { op: "Shape", inputs: ["x"], outputs: ["s"] },
      { op: "Gather", inputs: ["s", "i:0"], outputs: ["n"] },
      { op: "Mul", inputs: ["n", "i:3"], outputs: ["m"] },
      { op: "Concat", inputs: ["m", "i:-1"], outputs: ["t"], attrs: { axis: 0 } },
      { op: "Reshape", inputs: ["x", "t"], outputs: ["y"] },
    ];
    expect(
      importedNodes(
        { nodes, inputs: { x: "float32[n,3,4]" }, outputs: ["y"], initializers: constants(nodes) },
        { bind: { n: 2 } },
      ),
    ).toEqual(["y = Reshape(x, {6, -1}) allowzero=0 : float32[6,4]"]);
  });
});
