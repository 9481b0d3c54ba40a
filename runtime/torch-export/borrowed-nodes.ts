/** @file Nodes that a stage runs again because PyTorch cannot send what they make. */
import { isFloat } from "../../compiler/ir/literal.js";
import type { ModelProto } from "../../compiler/onnx/proto.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Crossing } from "./crossings.js";
import { forwardOf } from "./crossings.js";

/** Stages with the nodes of others that make what has no gradient and cannot be sent. */
export interface Borrowed {
  readonly models: readonly ModelProto[];
  /** Inputs of the model that those nodes read, by stage. */
  readonly inputs: readonly (readonly string[])[];
  readonly reasons: readonly string[];
}

/**
 * PyTorch sends tensors that have a gradient. A stage that reads integers or truth values of another makes them again,
 * from inputs of the model; what depends on parameters or activations is a reason to refuse.
 */
export function borrow(plan: Plan, crossings: readonly Crossing[], models: readonly ModelProto[]): Borrowed {
  const nodes = models.flatMap(({ graph }) => graph?.node ?? []);
  const constants = new Map(
    models.flatMap(({ graph }) => graph?.initializer ?? []).map((tensor) => [tensor.name ?? "", tensor]),
  );
  const makers = new Map(nodes.flatMap((node) => (node.output ?? []).map((name) => [name, node] as const)));
  const inputs = new Set(plan.inputs.map(({ name }) => name));
  const reasons: string[] = [];
  const perStage = models.map((model, stage) => {
    const wanted = crossings
      .filter(({ dtype, producer }) => !isFloat(dtype) && producer < stage)
      .map(({ name }) => name);
    const own = new Set(forwardOf(plan.stages[stage]!).inputs.map(({ tensor }) => tensor));
    const waiting = wanted.filter((name) => own.has(name));
    const names = new Set<string>();
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (name === "" || names.has(name)) continue;
      names.add(name);
      const maker = makers.get(name);
      if (maker) waiting.push(...(maker.input ?? []));
      else if (!constants.has(name) && !inputs.has(name))
        reasons.push(`whole numbers that depend on ${name} and go from stage to stage`);
    }
    const graph = model.graph!;
    const here = new Set((graph.initializer ?? []).map(({ name }) => name));
    const added = {
      node: nodes.filter(({ output = [] }) => output.some((name) => names.has(name))),
      initializer: [...names].flatMap((name) => (here.has(name) ? [] : (constants.get(name) ?? []))),
    };
    const merged = {
      ...graph,
      node: [...added.node, ...(graph.node ?? [])],
      initializer: [...(graph.initializer ?? []), ...added.initializer],
    };
    return { model: { ...model, graph: merged }, inputs: [...names].filter((name) => inputs.has(name)) };
  });
  return {
    models: perStage.map(({ model }) => model),
    inputs: perStage.map((part) => part.inputs),
    reasons: [...new Set(reasons)],
  };
}
