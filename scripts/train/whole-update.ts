/** @file The optimizer's update of all parameters of a model as one graph. */
import type { Shape } from "../../compiler/ir/graph.js";
import { decodeModel, encodeModel } from "../../compiler/onnx/codec.js";
import { exportGraph } from "../../compiler/onnx/export.js";
import type { GraphProto, NodeProto } from "../../compiler/onnx/proto.js";
import { changed } from "../../compiler/onnx/proto.js";
import { OPS } from "../../compiler/ops/registry.js";
import { stateCount, stepScalars, updateGraph } from "../../compiler/optimizer/update.js";
import type { OptimizerSpec } from "../../compiler/plan/plan.js";

/** A parameter and its gradient sum, by the names that the graph gives its inputs. */
export interface Summed {
  readonly parameter: string;
  readonly sum: string;
  readonly shape: Shape;
}

/** What the graph makes of one: the outputs are the next parameter, then its next states. */
export interface Updated extends Summed {
  readonly states: readonly string[];
  readonly outputs: readonly string[];
}

/** Inputs of the graph: of each parameter itself, its sum and its states, and the scalars of `stepScalars` once. */
export function wholeUpdate(optimizer: OptimizerSpec, summed: readonly Summed[]) {
  const scalars = new Set(stepScalars(optimizer, 1, 1, undefined).map(({ name }) => name));
  const updates = summed.map((own) => {
    const model = decodeModel(exportGraph(updateGraph(optimizer, own.shape, OPS)));
    const nameOf = (name: string): string => {
      if (scalars.has(name)) return name;
      if (name === "param") return own.parameter;
      return name === "gradSum" ? own.sum : `${own.parameter}/update/${name}`;
    };
    const graph = renamed(model.graph!, nameOf);
    const states = Array.from({ length: stateCount(optimizer) }, (_, state) => nameOf(`state${state}`));
    return { model, graph, updated: { ...own, states, outputs: graph.output!.map(({ name }) => name!) } };
  });
  const [first] = updates;
  if (!first) throw new Error("a model without trained parameters: expected one");
  const inputs = updates.flatMap(({ graph }) => graph.input!.map((input) => [input.name!, input] as const));
  const whole = changed(first.graph, {
    node: updates.flatMap(({ graph }) => graph.node!),
    input: [...new Map(inputs).values()],
    output: updates.flatMap(({ graph }) => graph.output!),
  });
  return {
    model: encodeModel(changed(first.model, { graph: whole })),
    updated: updates.map(({ updated }): Updated => updated),
  };
}

/** A graph of nodes whose literals are nodes too, under other names. */
function renamed(graph: GraphProto, nameOf: (name: string) => string): GraphProto {
  return changed(graph, {
    node: graph.node!.map((node): NodeProto =>
      changed(node, {
        ...(node.name === undefined ? {} : { name: nameOf(node.name) }),
        input: (node.input ?? []).map((name) => (name === "" ? name : nameOf(name))),
        output: (node.output ?? []).map(nameOf),
      }),
    ),
    input: graph.input!.map((value) => changed(value, { name: nameOf(value.name!) })),
    output: graph.output!.map((value) => changed(value, { name: nameOf(value.name!) })),
  });
}
