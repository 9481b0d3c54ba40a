/** @file The sums of gradients over microbatches as nodes of the training graph, as programs have them: for measuring. */
import type { Value } from "../ir/graph.js";
import { extend } from "../ir/builder.js";
import type { OpTable } from "../ops/define.js";
import type { Differentiated } from "./differentiated.js";

/** The graph with its sums; each is a pair of the graph's input and what replaces it. */
export interface WithSums {
  readonly differentiated: Differentiated;
  readonly sums: readonly { readonly sum: Value; readonly next: Value }[];
}

/** Ensures: one W node per trained parameter that adds its gradient to a new input, owned by the gradient's owner. */
export function withGradientSums(differentiated: Differentiated, ops: OpTable): WithSums {
  const { graph, parameterGrads } = differentiated;
  const builder = extend(ops, graph);
  const phase = new Map(differentiated.phase);
  const owner = new Map(differentiated.owner);
  const sums = parameterGrads.map(({ of, grad, owner: own }) => {
    const sum = builder.input(`${of.name}/grad.sum`, grad.type);
    const node = builder.node("Add", [sum, grad], {}, { outputs: [`${of.name}/grad.sum.next`] });
    phase.set(node.id, "W");
    owner.set(node.id, own);
    return { sum, next: node.outputs[0]! };
  });
  return { differentiated: { ...differentiated, graph: builder.build(graph.name, graph.outputs), phase, owner }, sums };
}
