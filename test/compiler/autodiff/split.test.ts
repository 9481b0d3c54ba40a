/** @file The split into I and W: what must run before an earlier stage can go on, and what may wait. */
import { describe, expect, it } from "vitest";
import type { Differentiated } from "../../../compiler/autodiff/differentiated.js";
import type { Node } from "../../../compiler/ir/graph.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { trainingGraph } from "../../../compiler/training.js";
import { buildGpt, GPT_LOSS } from "../../../models/gpt.js";
import { buildMlp, MLP_LOSS } from "../../../models/mlp.js";
import type { BuiltModel } from "../../../models/model.js";
import { buildResnet, RESNET_LOSS } from "../../../models/resnet.js";

const GPT = { layers: 2, width: 8, heads: 2, sequence: 4, batch: 2, vocabulary: 7 };
const MODELS: readonly [string, BuiltModel, string][] = [
  ["mlp", buildMlp({ batch: 2, inputs: 3, widths: [4], classes: 2 }), MLP_LOSS],
  ["gpt", buildGpt(GPT), GPT_LOSS],
  ["tied gpt", buildGpt({ ...GPT, tied: true }), GPT_LOSS],
  ["resnet", buildResnet({ batch: 2, image: 4, channels: 2, groups: 2, blocks: 1, classes: 3 }), RESNET_LOSS],
];

function trained({ graph }: BuiltModel, loss: string): Differentiated {
  return trainingGraph(graph, OPS, { loss: [parseLoss(loss)] }).differentiated;
}

/** Backward nodes of a phase as "owner: op", in order. */
function owned({ graph, phase, owner }: Differentiated, wanted: "I" | "W"): string[] {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  return graph.nodes
    .filter(({ id }) => phase.get(id) === wanted)
    .map((node) => `${byId.get(owner.get(node.id)!)!.name}: ${node.op}`);
}

describe.each(MODELS)("%s", (_, model, loss) => {
  const { graph, phase, parameterGrads } = trained(model, loss);

  it("makes nothing in W that I reads", () => {
    const made = new Set(
      graph.nodes.filter(({ id }) => phase.get(id) === "W").flatMap(({ outputs }) => outputs.map((value) => value?.id)),
    );
    const reads = (node: Node): boolean => node.inputs.some((value) => value && made.has(value.id));
    expect(graph.nodes.filter((node) => phase.get(node.id) === "I" && reads(node))).toEqual([]);
    expect(made.size).toBeGreaterThan(0);
  });

  it("makes every gradient of a matrix in W", () => {
    const maker = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value!.id, node] as const)));
    const matrices = parameterGrads.filter(({ of }) => of.name.endsWith("weight") && of.type.shape.length > 1);
    expect(matrices.length).toBeGreaterThan(0);
    for (const { grad } of matrices) expect(phase.get(maker.get(grad.id)!.id)).toBe("W");
  });
});

it("leaves of an MLP exactly the gradients of weights and biases to W", () => {
  expect(owned(trained(MODELS[0]![1], MLP_LOSS), "W")).toEqual([
    "head: Gemm",
    "head: ReduceSum",
    "head: Reshape",
    "Add_1: ReduceSum",
    "Add_1: Reshape",
    "MatMul_0: Gemm",
  ]);
});

it("leaves gradients of what parameters alone decide to W", () => {
  const result = trained(MODELS[2]![1], GPT_LOSS);
  const transposed = result.graph.nodes.find(
    ({ op, inputs }) => op === "Transpose" && inputs[0]?.name === "embedding.tokens",
  )!;
  const ofTable = result.graph.nodes.filter(
    ({ id }) => result.owner.get(id) === transposed.id && result.phase.get(id) !== "F",
  );
  expect(ofTable.map(({ id }) => result.phase.get(id))).toEqual(["W"]);
});
