/** @file Running statistics: what each mode makes of a node, and that nothing else is touched. */
import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../compiler/ir/builder.js";
import type { Graph } from "../../compiler/ir/graph.js";
import { formatGraph } from "../../compiler/ir/print.js";
import { verify } from "../../compiler/ir/verify.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { BatchNormMode } from "../../compiler/plan/plan.js";
import { followStatistics } from "../../compiler/running-statistics.js";
import { trainingGraph } from "../../compiler/training.js";
import { f32 } from "../support/onnx-model.js";
import { TINY_MLP } from "../support/tiny-models.js";

/** `times` normalizations in a row that share scale, bias and statistics. */
function normalized(isTraining: boolean, times = 1): Graph {
  const builder = new GraphBuilder(OPS);
  let x = builder.input("x", f32(4, 2, 3));
  const [scale, bias, mean, variance] = ["scale", "bias", "mean", "variance"].map((name) =>
    builder.param(name, f32(2)),
  );
  for (let time = 0; time < times; time++) {
    const name = `norm${time}`;
    const outputs = isTraining ? [name, `${name}.mean`, `${name}.variance`] : [name];
    const attrs = { momentum: 0.75, training_mode: isTraining ? 1 : 0 };
    const node = builder.node("BatchNormalization", [x, scale, bias, mean, variance], attrs, { name, outputs });
    x = node.outputs[0]!;
    if (isTraining && time === times - 1) {
      builder.state(mean!, node.outputs[1]!);
      builder.state(variance!, node.outputs[2]!);
    }
  }
  return builder.build("normalized", [x]);
}

function followed(graph: Graph, mode?: BatchNormMode): Graph {
  const result = followStatistics(graph, OPS, mode);
  verify(result, OPS, "followStatistics");
  return result;
}

const modes = ({ nodes }: Graph) =>
  nodes.flatMap((node) => (node.op === "BatchNormalization" ? [node.attrs.training_mode] : []));
const states = ({ states: all }: Graph) => all.map(({ param }) => param.name);

describe("running statistics", () => {
  it("follow the unbiased variance of 12 elements when the node is in training", () => {
    const lines = formatGraph(followed(normalized(true))).split("\n");
    expect(lines.filter((line) => line.includes(" = ")).map((line) => line.trim().replace(/ : .*/, ""))).toEqual([
      expect.stringMatching(/^norm0\/Mul_\d+_0 = Mul\(variance, 0\.9166666865348816\)$/),
      expect.stringMatching(
        /^norm0, norm0\.mean, norm0\.variance = BatchNormalization\(x, scale, bias, mean, norm0\/Mul_\d+_0\) .*momentum=0\.75.*training_mode=1/,
      ),
      expect.stringMatching(/^norm0\/Mul_\d+_0 = Mul\(norm0\.variance, 1\.0909091234207153\)$/),
    ]);
  });

  it("follow in mode train whatever the node says, and stay in mode frozen", () => {
    for (const graph of [normalized(true), normalized(false)]) {
      expect([modes(followed(graph, "train")), states(followed(graph, "train"))]).toEqual([[1], ["mean", "variance"]]);
      expect([modes(followed(graph, "frozen")), states(followed(graph, "frozen"))]).toEqual([[0], []]);
    }
    expect(states(followed(normalized(false)))).toEqual([]);
  });

  it("are replaced one after another by nodes that share them", () => {
    const graph = followed(normalized(false, 2), "train");
    expect(states(graph)).toEqual(["mean", "variance"]);
    const [first, second] = graph.nodes.filter(({ op }) => op === "BatchNormalization");
    expect(second!.inputs[3]).toBe(first!.outputs[1]);
    expect(graph.states[0]!.next).toBe(second!.outputs[1]);
  });

  it("take the variance of a single element as it is", () => {
    const builder = new GraphBuilder(OPS);
    const x = builder.input("x", f32(1, 2));
    const params = ["scale", "bias", "mean", "variance"].map((name) => builder.param(name, f32(2)));
    const graph = builder.build("one", [builder.emit("BatchNormalization", [x, ...params])]);
    expect(followed(graph, "train").nodes.map(({ op }) => op)).toEqual(["BatchNormalization"]);
  });

  it("leave graphs without them alone", () => {
    const { graph } = TINY_MLP.built;
    expect(followStatistics(graph, OPS, "train")).toBe(graph);
  });

  it.each(["model", "train", "frozen"] as const)("never train, in mode %s", (mode) => {
    const options = { loss: [parseLoss("mse")], ...(mode === "model" ? {} : { batchNorm: mode }) };
    const { differentiated } = trainingGraph(normalized(false), OPS, options);
    expect(differentiated.parameterGrads.map(({ of }) => of.name)).toEqual(["scale", "bias"]);
  });
});
