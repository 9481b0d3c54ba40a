/** @file The order in which ONNX Runtime runs the nodes of a graph, and how to write a graph for another. */
import type { Node, ValueId } from "../ir/graph.js";

/**
 * The nodes such that the engine comes to those that no other reads in the order in which they stand, each with what it
 * reads just before, and not to the last of them first: such nodes at the end, turned round. Requires and ensures:
 * topological order.
 */
export function sinksAtOnce(nodes: readonly Node[]): readonly Node[] {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs.map((value) => value?.id)));
  const isSink = ({ outputs }: Node): boolean => !outputs.some((value) => value && read.has(value.id));
  return [...nodes.filter((node) => !isSink(node)), ...nodes.filter(isSink).reverse()];
}

/**
 * A depth-first walk from the nodes that no other reads, the last of them first, to the makers of their inputs, the last
 * of them first; a node runs when the walk leaves it. Source: GraphViewer's constructor and Graph::ReverseDFSFrom in
 * onnxruntime/core/graph. Linear but for sorting inputs.
 */
export function engineOrder(nodes: readonly Node[]): readonly Node[] {
  const makerOf = new Map<ValueId, number>();
  nodes.forEach(({ outputs }, index) => {
    for (const value of outputs) if (value) makerOf.set(value.id, index);
  });
  const makers = nodes.map(({ inputs }) => {
    const found: number[] = [];
    for (const value of inputs) {
      const maker = value && makerOf.get(value.id);
      if (maker !== undefined) found.push(maker);
    }
    return found.sort((a, b) => a - b).filter((maker, at) => maker !== found[at - 1]);
  });
  const isRead = new Uint8Array(nodes.length);
  for (const list of makers) for (const index of list) isRead[index] = 1;
  const waiting: number[] = [];
  nodes.forEach((_, index) => !isRead[index] && waiting.push(index));
  const isSeen = new Uint8Array(nodes.length);
  const order: Node[] = [];
  while (waiting.length > 0) {
    const entry = waiting.pop()!;
    if (entry < 0) {
      order.push(nodes[-entry - 1]!);
      continue;
    }
    if (isSeen[entry]) continue;
    isSeen[entry] = 1;
    waiting.push(-entry - 1);
    for (const index of makers[entry]!) if (!isSeen[index]) waiting.push(index);
  }
  return order;
}
