/** @file Ids and names that nothing has yet. */
import type { Graph, NodeId, Value, ValueId } from "./graph.js";

/** Ids from which on a graph uses none. */
export interface FreeIds {
  readonly nextValueId: ValueId;
  readonly nextNodeId: NodeId;
}

/** The first free ids after all of the graph's. */
export function freeIds({ inputs, params, nodes, outputs }: Graph): FreeIds {
  let nextValueId = 0;
  let nextNodeId = 0;
  const use = (value: Value | undefined): void => {
    if (value) nextValueId = Math.max(nextValueId, value.id + 1);
  };
  for (const values of [inputs, params, outputs]) values.forEach(use);
  for (const node of nodes) {
    nextNodeId = Math.max(nextNodeId, node.id + 1);
    node.inputs.forEach(use);
    node.outputs.forEach(use);
  }
  return { nextValueId, nextNodeId };
}

/** The wanted name, or the first one with a number behind it that is not taken; it is taken from now on. */
export function uniqueName(taken: Set<string>, wanted: string): string {
  let name = wanted;
  for (let suffix = 1; taken.has(name); suffix++) name = `${wanted}.${suffix}`;
  taken.add(name);
  return name;
}
