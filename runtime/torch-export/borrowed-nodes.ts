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
  /** Tensors without a gradient that no stage can make again: they depend on parameters or activations. */
  readonly carried: ReadonlySet<string>;
}

/**
 * PyTorch sends tensors that have a gradient. A stage that reads integers or truth values of another makes them again,
 * from inputs of the model, where they depend on nothing else.
 */
export function borrow(plan: Plan, crossings: readonly Crossing[], models: readonly ModelProto[]): Borrowed {
  const nodes = models.flatMap(({ graph }) => graph?.node ?? []);
  const constants = new Map(
    models.flatMap(({ graph }) => graph?.initializer ?? []).map((tensor) => [tensor.name ?? "", tensor]),
  );
  const makers = new Map(nodes.flatMap((node) => (node.output ?? []).map((name) => [name, node] as const)));
  const inputs = new Set(plan.inputs.map(({ name }) => name));
  const isMadeAgain = (name: string): boolean => {
    const seen = new Set<string>();
    const waiting = [name];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (next === "" || seen.has(next) || constants.has(next) || inputs.has(next)) continue;
      seen.add(next);
      const maker = makers.get(next);
      if (!maker) return false;
      waiting.push(...(maker.input ?? []));
    }
    return true;
  };
  const whole = crossings.filter(({ dtype }) => !isFloat(dtype));
  const carried = new Set(whole.map(({ name }) => name).filter((name) => !isMadeAgain(name)));
  const perStage = models.map((model, stage) => {
    const wanted = whole.filter(({ name, producer }) => producer < stage && !carried.has(name)).map(({ name }) => name);
    const own = new Set(forwardOf(plan.stages[stage]!).inputs.map(({ tensor }) => tensor));
    const waiting = wanted.filter((name) => own.has(name));
    const names = new Set<string>();
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (name === "" || names.has(name)) continue;
      names.add(name);
      waiting.push(...(makers.get(name)?.input ?? []));
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
    carried,
  };
}
