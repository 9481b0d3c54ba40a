/** @file Views that W makes for itself: nothing is handed over twice, and nothing is computed twice. */
import { describe, expect, it } from "vitest";
import { differentiate } from "../../../compiler/autodiff/differentiate.js";
import type { Differentiated } from "../../../compiler/autodiff/differentiated.js";
import { withOwnViews } from "../../../compiler/autodiff/own-views.js";
import { tensorBytes } from "../../../compiler/ir/literal.js";
import { verify } from "../../../compiler/ir/verify.js";
import { producers } from "../../../compiler/ir/walk.js";
import { attachLoss } from "../../../compiler/loss/attach.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { TIED_GPT, TINY_MLP, TINY_RESNET } from "../../support/tiny-models.js";

const isView = (op: keyof typeof OPS): boolean => OPS[op].isView ?? false;

/** Values that W reads and I makes, once each. */
function handedOver({ graph, phase }: Differentiated) {
  const maker = producers(graph);
  const read = graph.nodes.filter(({ id }) => phase.get(id) === "W").flatMap(({ inputs }) => inputs);
  const made = read.filter((value) => value && phase.get(maker.get(value.id)?.id ?? -1) === "I");
  return [...new Set(made)].map((value) => value!);
}

describe.each([
  ["a tied GPT", TIED_GPT],
  ["an MLP", TINY_MLP],
  ["a ResNet", TINY_RESNET],
])("%s", (_, { built, loss }) => {
  const { graph, loss: output } = attachLoss(built.graph, OPS, [parseLoss(loss)]);
  const before = differentiate({ ...graph, outputs: [] }, OPS, { seeds: [{ output }], wrt: built.graph.params });
  const after = withOwnViews(before, OPS);

  it("hands W no views, and no more bytes than before", () => {
    const maker = producers(after.graph);
    const handed = handedOver(after);
    expect(handed.filter(({ id }) => isView(maker.get(id)!.op))).toEqual([]);
    const bytes = (values: typeof handed): number => values.reduce((sum, { type }) => sum + tensorBytes(type), 0);
    expect(bytes(handed)).toBeLessThanOrEqual(bytes(handedOver(before)));
  });

  it("is a graph with the same gradients, of the same work", () => {
    verify(after.graph, OPS, "test");
    expect(after.parameterGrads).toBe(before.parameterGrads);
    const made = new Set(after.graph.nodes.flatMap(({ outputs }) => outputs));
    for (const { grad } of after.parameterGrads) expect(made.has(grad)).toBe(true);
    const computing = ({ graph: { nodes } }: Differentiated): number[] =>
      nodes.filter(({ op }) => !isView(op)).map(({ id }) => id);
    expect(computing(after)).toEqual(computing(before));
    for (const { id } of after.graph.nodes) {
      expect(after.phase.get(id)).toBeDefined();
      expect(after.owner.has(id)).toBe(true);
    }
  });
});

it("hands W of a GPT a third less", () => {
  const { built, loss } = TIED_GPT;
  const { graph, loss: output } = attachLoss(built.graph, OPS, [parseLoss(loss)]);
  const before = differentiate({ ...graph, outputs: [] }, OPS, { seeds: [{ output }], wrt: built.graph.params });
  const bytes = (differentiated: Differentiated): number =>
    handedOver(differentiated).reduce((sum, { type }) => sum + tensorBytes(type), 0);
  expect(bytes(withOwnViews(before, OPS))).toBeLessThan(0.7 * bytes(before));
});
