/** @file The text of a small model, imported, and of its backward pass. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { formatGraph, formatNode } from "../../compiler/ir/print.js";
import { verify } from "../../compiler/ir/verify.js";
import { OPS } from "../../compiler/ops/registry.js";
import { trainingGraph } from "../../compiler/training.js";
import { modelOf } from "../../runtime/model-file.js";
import { bindOf, lossOf, readCase } from "../../scripts/corpus/case.js";
import { golden } from "../support/golden.js";

describe("the mlp of the reference models", () => {
  const subject = readCase(fileURLToPath(new URL("../../fixtures/reference/models/mlp", import.meta.url)));
  const { graph } = modelOf(subject.model, "mlp", bindOf(subject, ""));
  const { differentiated } = trainingGraph(graph, OPS, { loss: lossOf(subject.about) });

  it("reads like its text", () => {
    golden("ir/mlp.txt", formatGraph(graph));
  });

  it("has a backward pass that reads like its text", () => {
    const lines = differentiated.graph.nodes
      .filter(({ id }) => differentiated.phase.get(id) !== "F")
      .map((node) => `${differentiated.phase.get(node.id)} ${formatNode(node)}\n`);
    golden("ir/mlp-backward.txt", lines.join(""));
  });

  it("has a gradient of the right type for every parameter", () => {
    verify(differentiated.graph, OPS, "differentiation");
    expect(differentiated.parameterGrads.map(({ of }) => of.name)).toEqual(graph.params.map(({ name }) => name));
    for (const { of, grad } of differentiated.parameterGrads) expect(grad.type).toEqual(of.type);
  });
});
