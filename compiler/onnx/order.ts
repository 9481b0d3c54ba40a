/** @file Puts the nodes of a graph in topological order. Files in the wild are not always sorted. */
import { PipewrightError } from "../errors.js";
import { formatName, plainName } from "../names.js";
import type { GraphProto, NodeProto } from "./proto.js";

/**
 * Requires: nothing. Names that no node makes are taken to come from outside.
 * Ensures: each node comes after the nodes whose outputs it or its subgraphs read; nodes that are in order already keep
 * their order. Cost: linear.
 * @throws MODEL_MALFORMED when two nodes make one name, or with the cycle when there is one.
 */
export function sortNodes(nodes: readonly NodeProto[]): readonly NodeProto[] {
  const producer = producersOf(nodes);
  const reads = nodes.map((node) => [...namesRead(node)].flatMap((name) => producer.get(name) ?? []));
  if (reads.every((sources, position) => sources.every((source) => source < position))) return nodes;
  const sorted: NodeProto[] = [];
  const state = new Uint8Array(nodes.length);
  for (let root = 0; root < nodes.length; root++) visit(root, nodes, reads, state, sorted);
  return sorted;
}

const OPEN = 1;
const DONE = 2;

/** Depth-first, with a stack of its own: graphs can be 50,000 nodes deep. */
function visit(
  root: number,
  nodes: readonly NodeProto[],
  reads: readonly (readonly number[])[],
  state: Uint8Array,
  sorted: NodeProto[],
): void {
  const stack: { readonly node: number; next: number }[] = [];
  const enter = (node: number): void => {
    if (state[node] === DONE) return;
    if (state[node] === OPEN)
      throw cycle(
        stack.map((frame) => frame.node),
        node,
        nodes,
      );
    state[node] = OPEN;
    stack.push({ node, next: 0 });
  };
  enter(root);
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const sources = reads[top.node]!;
    if (top.next < sources.length) enter(sources[top.next++]!);
    else {
      state[top.node] = DONE;
      sorted.push(nodes[top.node]!);
      stack.pop();
    }
  }
}

function producersOf(nodes: readonly NodeProto[]): ReadonlyMap<string, number> {
  const producer = new Map<string, number>();
  for (const [position, node] of nodes.entries()) {
    for (const name of node.output ?? []) {
      if (name === "") continue;
      const other = producer.get(name);
      if (other !== undefined) {
        throw new PipewrightError(
          "MODEL_MALFORMED",
          `value ${formatName(name)}: made twice, by ${describe(nodes[other]!)} and by ${describe(node)}. Names must be unique.`,
          { value: name },
        );
      }
      producer.set(name, position);
    }
  }
  return producer;
}

/** Names that a node reads, those its subgraphs capture included. */
function namesRead(node: NodeProto): ReadonlySet<string> {
  const names = new Set((node.input ?? []).filter((name) => name !== ""));
  for (const attribute of node.attribute ?? []) {
    for (const graph of [...(attribute.g ? [attribute.g] : []), ...(attribute.graphs ?? [])]) {
      for (const name of captured(graph)) names.add(name);
    }
  }
  return names;
}

function captured(graph: GraphProto): ReadonlySet<string> {
  const own = new Set<string>();
  for (const { name } of graph.input ?? []) own.add(name);
  for (const { name } of graph.initializer ?? []) own.add(name ?? "");
  for (const node of graph.node ?? []) for (const name of node.output ?? []) own.add(name);
  const free = new Set<string>();
  for (const node of graph.node ?? []) for (const name of namesRead(node)) if (!own.has(name)) free.add(name);
  for (const { name } of graph.output ?? []) if (!own.has(name)) free.add(name);
  return free;
}

/** A node for messages: its name and operator, or its first output. */
export function describe(node: NodeProto): string {
  return `node ${plainName(nodeName(node))} (${plainName(node.op_type)})`;
}

/** The name of a node, or that of its first output when it has none. */
export function nodeName(node: NodeProto): string {
  return node.name || (node.output ?? []).find((name) => name !== "") || "without name";
}

function cycle(stack: readonly number[], node: number, nodes: readonly NodeProto[]): PipewrightError {
  const names = [...stack.slice(stack.indexOf(node)), node]
    .map((position) => plainName(nodeName(nodes[position]!)))
    .reverse();
  return new PipewrightError("MODEL_MALFORMED", `graph: its nodes form a cycle: ${names.join(" -> ")}.`, {
    cycle: names,
  });
}
