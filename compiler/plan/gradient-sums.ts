/**
 * @file The sums of gradients over microbatches as nodes of the training graph. A gradient that is zero but for a few
 * numbers, such as an embedding's, is never made: its numbers are added to the sum at their places.
 */
import type { GraphBuilder } from "../ir/builder.js";
import { extend } from "../ir/builder.js";
import type { Node, NodeId, Value } from "../ir/graph.js";
import { liveNodes } from "../ir/walk.js";
import type { OpTable } from "../ops/define.js";
import { addition } from "../ops/spread.js";
import type { Differentiated, Gradient } from "../autodiff/differentiated.js";

/** Adds one gradient to a sum. */
export interface Addition {
  readonly node: Node;
  readonly next: Value;
  /** Owner of the gradient. */
  readonly owner: NodeId;
}

/** The sum of a trained parameter's gradients: an input of the graph, and what replaces it. */
export interface GradientSum {
  readonly of: Value;
  readonly sum: Value;
  readonly own: Addition;
  /** Of the gradients of further copies of the graph. */
  readonly copies: readonly Addition[];
}

/** Appends the sums of parameter gradients to a builder. Ensures: a new input per parameter, an addition per gradient. */
export function sumGradients(builder: GraphBuilder, parameterGrads: readonly Gradient[]): readonly GradientSum[] {
  return parameterGrads.map(({ of, grad, owner, copies = [] }) => {
    const sum = builder.input(`${of.name}/grad.sum`, grad.type);
    const added = (own: Pick<Gradient, "grad" | "owner">, name: string): Addition => {
      const { op, inputs, attrs } = addition(builder, sum, own.grad);
      const node = builder.node(op, inputs, attrs, { outputs: [`${of.name}/grad.sum.${name}`] });
      return { node, next: node.outputs[0]!, owner: own.owner };
    };
    return {
      of,
      sum,
      own: added({ grad, owner }, "next"),
      copies: copies.map((copy) => added(copy, "added")),
    };
  });
}

/** The nodes of a graph without those that only made gradients whose numbers go into the sums by themselves. */
export function nodesBesideSums(
  { graph, parameterGrads, inputGrads }: Pick<Differentiated, "graph" | "parameterGrads" | "inputGrads">,
  sums: readonly GradientSum[],
): readonly Node[] {
  const { nodes, outputs, states } = graph;
  const summed = new Set(parameterGrads.flatMap(({ grad, copies = [] }) => [grad, ...copies.map((c) => c.grad)]));
  for (const { grad } of inputGrads) summed.delete(grad);
  const additions = sums.flatMap(({ own, copies }) => [own, ...copies]);
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  // Results of further copies are no outputs of the graph.
  const ends = nodes.flatMap((node) => node.outputs.filter((value) => value !== undefined && !read.has(value)));
  const others = [...ends, ...outputs].filter((value) => !summed.has(value!));
  const roots = [...others, ...states.map(({ next }) => next), ...additions.map(({ next }) => next)];
  const live = new Set(liveNodes([...nodes, ...additions.map(({ node }) => node)], roots as readonly Value[]));
  return nodes.filter((node) => live.has(node));
}

/** The graph with its sums; each is a pair of the graph's input and what replaces it. */
export interface WithSums {
  readonly differentiated: Differentiated;
  readonly sums: readonly { readonly sum: Value; readonly next: Value }[];
}

/**
 * Ensures: one W node per trained parameter that adds its gradient to a new input, owned by the gradient's owner;
 * gradients of parameters are outputs no more.
 */
export function withGradientSums(differentiated: Differentiated, ops: OpTable): WithSums {
  const { graph, parameterGrads } = differentiated;
  const builder = extend(ops, graph);
  const sums = sumGradients(builder, parameterGrads);
  const phase = new Map(differentiated.phase);
  const owner = new Map(differentiated.owner);
  for (const { own } of sums) {
    phase.set(own.node.id, "W");
    owner.set(own.node.id, own.owner);
  }
  const nodes = [...nodesBesideSums(differentiated, sums), ...sums.map(({ own }) => own.node)];
  const summed = new Set(parameterGrads.map(({ grad }) => grad));
  const outputs = graph.outputs.filter((value) => !summed.has(value));
  return {
    differentiated: { ...differentiated, graph: { ...builder.build(graph.name, outputs), nodes }, phase, owner },
    sums: sums.map(({ sum, own }) => ({ sum, next: own.next })),
  };
}
