/** @file Costs without measuring: the roofline, sums by owner, what the partitioner is told, and the digest of a graph. */
import { describe, expect, it } from "vitest";
import { CPU_CORE } from "../../../compiler/cluster.js";
import type { Graph } from "../../../compiler/ir/graph.js";
import { tensorBytes } from "../../../compiler/ir/literal.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { forwardModel } from "../../../compiler/profile/aggregate.js";
import { workOf } from "../../../compiler/ir/node-work.js";
import { analyticProfile, rooflineMs } from "../../../compiler/profile/analytic.js";
import { graphDigest } from "../../../compiler/profile/digest.js";
import { ownerCosts } from "../../../compiler/profile/owner-costs.js";
import type { DeviceSpec } from "../../../compiler/profile/profile.js";
import { trainingGraph } from "../../../compiler/training.js";
import { TIED_GPT, TINY_MLP, TINY_RESNET } from "../../support/tiny-models.js";

const DEVICE: DeviceSpec = { ...CPU_CORE, name: "cpu0", flopsPerMs: 100, memoryBytesPerMs: 10 };
const trainable = ({ built, loss }: typeof TINY_MLP) =>
  trainingGraph(built.graph, OPS, { loss: [parseLoss(loss)] }).differentiated;

it("takes the longer of arithmetic and traffic", () => {
  expect(rooflineMs({ flops: 1000, bytes: 50 }, DEVICE)).toBe(10);
  expect(rooflineMs({ flops: 1000, bytes: 500 }, DEVICE)).toBe(50);
});

it("counts a matrix product by hand", () => {
  const { graph } = trainable(TINY_MLP);
  const product = graph.nodes.find(({ op }) => op === "MatMul")!;
  const [x, w] = product.inputs.map((value) => value!.type);
  expect([x!.shape, w!.shape]).toEqual([
    [2, 3],
    [3, 4],
  ]);
  expect(workOf(product, OPS)).toEqual({ flops: 2 * 2 * 3 * 4, bytes: 4 * (6 + 12 + 8) });
});

describe("costs by owner", () => {
  it("have an entry for every forward node and add up to all nodes", () => {
    const differentiated = trainable(TIED_GPT);
    const costs = ownerCosts(differentiated, () => 1);
    const { graph, phase } = differentiated;
    const count = (wanted: string) => graph.nodes.filter(({ id }) => phase.get(id) === wanted).length;
    const sum = (key: "forwardMs" | "inputGradMs" | "weightGradMs") =>
      [...costs.values()].reduce((total, cost) => total + cost[key], 0);
    expect(costs.size).toBe(count("F"));
    expect([sum("forwardMs"), sum("inputGradMs"), sum("weightGradMs")]).toEqual([count("F"), count("I"), count("W")]);
  });

  it("are the same every time, and scale with the device", () => {
    const differentiated = trainable(TIED_GPT);
    const slow = analyticProfile(differentiated, OPS, DEVICE);
    const fast = analyticProfile(differentiated, OPS, { ...DEVICE, flopsPerMs: 200, memoryBytesPerMs: 20 });
    expect(analyticProfile(differentiated, OPS, DEVICE)).toEqual(slow);
    for (const [name, { forwardMs }] of slow.nodes)
      expect(fast.nodes.get(name)!.forwardMs).toBeCloseTo(forwardMs / 2, 12);
  });
});

describe("the forward model", () => {
  const differentiated = trainable(TIED_GPT);
  const { nodes, tensors } = forwardModel(differentiated, analyticProfile(differentiated, OPS, DEVICE), 4);

  it("charges every parameter once, and its training to the node that reads it first", () => {
    const bytes = TIED_GPT.built.graph.params.reduce((sum, { type }) => sum + tensorBytes(type), 0);
    expect(nodes.reduce((sum, node) => sum + node.parameterBytes, 0)).toBe(bytes);
    expect(nodes.reduce((sum, node) => sum + node.residentBytes, 0)).toBe(4 * bytes);
  });

  it("names makers and readers among forward nodes, a tensor never read by its own maker alone", () => {
    const ids = new Set(nodes.map(({ id }) => id));
    for (const { maker, readers, bytes } of tensors) {
      expect(ids).toContain(maker);
      expect(readers.length).toBeGreaterThan(0);
      expect(readers).not.toContain(maker);
      for (const reader of readers) expect(ids).toContain(reader);
      expect(bytes).toBeGreaterThan(0);
    }
    expect(new Set(tensors.map(({ name }) => name)).size).toBe(tensors.length);
  });

  it("keeps all that reads or replaces a running statistic together", () => {
    const resnet = trainable(TINY_RESNET);
    const { colocate } = forwardModel(resnet, analyticProfile(resnet, OPS, DEVICE), 4);
    const nodeOf = new Map(resnet.graph.nodes.map((node) => [node.id, node]));
    const statistics = resnet.graph.states.filter(({ param }) => param.name.endsWith(".variance"));
    expect(colocate).toHaveLength(statistics.length);
    for (const [index, { param, next }] of statistics.entries()) {
      const group = colocate![index]!.map((id) => nodeOf.get(id)!);
      expect(group.some(({ inputs }) => inputs.includes(param))).toBe(true);
      expect(group.some(({ outputs }) => outputs.includes(next))).toBe(true);
    }
    expect(forwardModel(differentiated, analyticProfile(differentiated, OPS, DEVICE), 4).colocate).toEqual([]);
  });

  it("sends gradients to earlier nodes only", () => {
    const place = new Map(nodes.map(({ id }, index) => [id, index]));
    for (const { maker, readers, direction } of tensors) {
      for (const reader of readers) {
        if (direction === "forward") expect(place.get(reader)!).toBeGreaterThan(place.get(maker)!);
        else expect(place.get(reader)!).toBeLessThan(place.get(maker)!);
      }
    }
  });
});

it("gives graphs of another name, shape or attribute another digest", () => {
  const { graph } = TINY_MLP.built;
  const digest = graphDigest(graph);
  expect(digest).toMatch(/^[0-9a-f]{16}$/);
  expect(graphDigest({ ...graph })).toBe(digest);
  const others: Graph[] = [
    { ...graph, name: "other" },
    { ...graph, nodes: graph.nodes.slice(1) },
    { ...graph, inputs: graph.inputs.map((value) => ({ ...value, type: { ...value.type, shape: [9, 9] } })) },
  ];
  expect(new Set([digest, ...others.map(graphDigest)]).size).toBe(4);
});
