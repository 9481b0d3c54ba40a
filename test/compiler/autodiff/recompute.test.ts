/** @file Recomputation: which values are kept, where copies come, and that nothing else changes. */
import { describe, expect, it } from "vitest";
import type { Differentiated } from "../../../compiler/autodiff/differentiated.js";
import { recompute } from "../../../compiler/autodiff/recompute.js";
import type { NodeId, ValueId } from "../../../compiler/ir/graph.js";
import { verify } from "../../../compiler/ir/verify.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { trainingGraph } from "../../../compiler/training.js";
import type { TinyModel } from "../../support/tiny-models.js";
import { TIED_GPT, TINY_MLP, TINY_RESNET } from "../../support/tiny-models.js";

const differentiated = ({ built, loss }: TinyModel): Differentiated =>
  trainingGraph(built.graph, OPS, { loss: [parseLoss(loss)] }).differentiated;

const forwardNodes = ({ graph, phase }: Differentiated) => graph.nodes.filter(({ id }) => phase.get(id) === "F");

/** Forward nodes on `stages` stages, equally many on each. */
function stagesOf(subject: Differentiated, stages: number): Map<NodeId, number> {
  const nodes = forwardNodes(subject);
  return new Map(nodes.map(({ id }, at) => [id, Math.floor((at * stages) / nodes.length)]));
}

/** Names of forward values that the backward pass reads. */
function stashed({ graph, phase }: Differentiated): readonly string[] {
  const made = new Map<ValueId, string>();
  const read = new Set<string>();
  for (const node of graph.nodes) {
    const isForward = phase.get(node.id) === "F";
    for (const value of node.inputs) if (value && !isForward && made.has(value.id)) read.add(value.name);
    for (const value of node.outputs) if (value && isForward) made.set(value.id, value.name);
  }
  return [...read];
}

const everything = (subject: Differentiated) => new Set(forwardNodes(subject).map(({ id }) => id));

describe.each([
  ["an MLP", TINY_MLP],
  ["a tied GPT", TIED_GPT],
] as const)("%s", (_, model) => {
  const subject = differentiated(model);

  it("on one stage keeps nothing, and makes each value again once", () => {
    const { differentiated: after, runAgain } = recompute(subject, {
      again: everything(subject),
      stageOf: stagesOf(subject, 1),
    });
    expect(stashed(after)).toEqual([]);
    expect(stashed(subject).length).toBeGreaterThan(0);
    const copies = after.graph.nodes.length - subject.graph.nodes.length;
    expect(copies).toBe(runAgain.size);
    expect(copies).toBeLessThan(forwardNodes(subject).length);
    verify(after.graph, OPS, "recompute");
  });

  it("on three stages keeps what crosses, and nothing that its own stage could make", () => {
    const stageOf = stagesOf(subject, 3);
    const { differentiated: after } = recompute(subject, { again: everything(subject), stageOf });
    verify(after.graph, OPS, "recompute");
    const stageOfMaker = new Map<ValueId, number>();
    for (const node of after.graph.nodes) {
      const stage = stageOf.get(after.owner.get(node.id)!)!;
      if (after.phase.get(node.id) === "F")
        for (const value of node.outputs) if (value) stageOfMaker.set(value.id, stage);
    }
    const kept = new Set(stashed(after));
    const crossing = new Set<string>();
    for (const node of after.graph.nodes)
      for (const value of node.inputs)
        if (value && kept.has(value.name) && stageOfMaker.get(value.id) !== stageOf.get(after.owner.get(node.id)!))
          crossing.add(value.name);
    expect([...kept].filter((name) => !crossing.has(name))).toEqual([]);
  });

  it("changes nothing when nothing runs again", () => {
    const { differentiated: after, runAgain } = recompute(subject, {
      again: new Set(),
      stageOf: stagesOf(subject, 2),
    });
    expect(runAgain.size).toBe(0);
    expect(after.graph).toEqual(subject.graph);
  });

  it("gives copies the phase of who needs them", () => {
    const { differentiated: after, runAgain } = recompute(subject, {
      again: everything(subject),
      stageOf: stagesOf(subject, 1),
    });
    const made = new Map<ValueId, string>();
    for (const node of after.graph.nodes) {
      const phase = after.phase.get(node.id)!;
      if (phase !== "W") for (const value of node.inputs) if (value) expect(made.get(value.id)).not.toBe("W");
      for (const value of node.outputs) if (value) made.set(value.id, phase);
    }
    expect([...runAgain.values()].every((phase) => phase === "I" || phase === "W")).toBe(true);
  });
});

it("keeps what is made from a state, which has changed by the backward pass", () => {
  const subject = differentiated(TINY_RESNET);
  const { differentiated: after, runAgain } = recompute(subject, {
    again: everything(subject),
    stageOf: stagesOf(subject, 1),
  });
  const states = new Set(subject.graph.states.map(({ param }) => param.id));
  const readers = forwardNodes(subject).filter(({ inputs }) => inputs.some((value) => value && states.has(value.id)));
  expect(readers.length).toBeGreaterThan(0);
  for (const { id } of readers) expect(runAgain.has(id)).toBe(false);
  expect(stashed(after).length).toBeLessThan(stashed(subject).length);
});
