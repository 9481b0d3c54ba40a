/** @file Last step of the import: names of the file onto the values, dead nodes and unread parameters out. */
import type { Graph, Node, Value, ValueId } from "../ir/graph.js";
import { uniqueName } from "../ir/fresh.js";
import { withoutDeadNodes } from "../ir/walk.js";

/**
 * Requires: `wanted` has distinct names where they matter; inputs and params have theirs already.
 * Ensures: every value has the name it wants, if no other one took it first, or else its own; names are unique; nodes
 * and params that nothing needs are gone. Cost: linear.
 */
export function finishGraph(graph: Graph, wanted: ReadonlyMap<ValueId, string>): Graph {
  const alive = withoutDeadNodes(graph);
  const names = new Set<string>();
  const renamed = new Map<ValueId, Value>();
  const keep = (value: Value): void => {
    names.add(value.name);
    renamed.set(value.id, value);
  };
  alive.inputs.forEach(keep);
  const read = new Set<ValueId>();
  for (const node of alive.nodes) for (const value of node.inputs) if (value) read.add(value.id);
  for (const value of alive.outputs) read.add(value.id);
  for (const { param, next } of alive.states) read.add(param.id).add(next.id);
  const params = alive.params.filter(({ id }) => read.has(id));
  params.forEach(keep);

  const made = valuesMade(alive);
  const rename = (value: Value, wish: string): void => {
    const name = uniqueName(names, wish);
    renamed.set(value.id, name === value.name ? value : { ...value, name });
  };
  for (const value of made) if (wanted.has(value.id)) rename(value, wanted.get(value.id)!);
  for (const value of made) if (!wanted.has(value.id)) rename(value, value.name);

  const now = (value: Value): Value => renamed.get(value.id)!;
  return {
    ...alive,
    params,
    nodes: alive.nodes.map(
      (node) =>
        ({
          ...node,
          inputs: node.inputs.map((value) => value && now(value)),
          outputs: node.outputs.map((value) => value && now(value)),
        }) as Node,
    ),
    outputs: alive.outputs.map(now),
    states: alive.states.map(({ param, next }) => ({ param: now(param), next: now(next) })),
  };
}

/** Node outputs in order, then literals, each once; graph outputs that are literals included. */
function valuesMade(graph: Graph): readonly Value[] {
  const made = new Map<ValueId, Value>();
  for (const node of graph.nodes) for (const value of node.outputs) if (value) made.set(value.id, value);
  for (const value of graph.outputs) if (value.literal) made.set(value.id, value);
  for (const node of graph.nodes) for (const value of node.inputs) if (value?.literal) made.set(value.id, value);
  return [...made.values()];
}
