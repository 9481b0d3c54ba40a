/** @file The traversals over graphs: producers and what is alive. All linear in the size of the graph. */
import type { Graph, Node, Value, ValueId } from "./graph.js";

/** The node that produces each value. Inputs, parameters and literals have none. */
export function producers(graph: Pick<Graph, "nodes">): ReadonlyMap<ValueId, Node> {
  const producer = new Map<ValueId, Node>();
  for (const node of graph.nodes) for (const value of node.outputs) if (value) producer.set(value.id, node);
  return producer;
}

/** Drops the nodes that none of `roots` needs. Requires: nodes in topological order. Ensures: order kept. */
export function liveNodes(nodes: readonly Node[], roots: Iterable<Value>): readonly Node[] {
  const needed = new Set<ValueId>();
  for (const value of roots) needed.add(value.id);
  const alive: Node[] = [];
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index]!;
    if (!node.outputs.some((value) => value && needed.has(value.id))) continue;
    alive.push(node);
    for (const value of node.inputs) if (value) needed.add(value.id);
  }
  return alive.reverse();
}

/** The graph without the nodes that neither an output nor a state needs. */
export function withoutDeadNodes(graph: Graph): Graph {
  const roots = [...graph.outputs, ...graph.states.map((state) => state.next)];
  return { ...graph, nodes: liveNodes(graph.nodes, roots) };
}
