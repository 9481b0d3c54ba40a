/** @file Sums node times to costs per forward node: its own time, and the I and W time of the backward nodes it owns. */
import type { Differentiated } from "../autodiff/differentiated.js";
import type { Node, NodeId } from "../ir/graph.js";
import type { NodeCost } from "./profile.js";

/** Requires: `timeMs` gives the time of one run of a node. Ensures: an entry for every forward node, by name. */
export function ownerCosts(
  { graph, phase, owner }: Differentiated,
  timeMs: (node: Node) => number,
): ReadonlyMap<string, NodeCost> {
  const costs = new Map<string, { forwardMs: number; inputGradMs: number; weightGradMs: number }>();
  const names = new Map<NodeId, string>();
  for (const node of graph.nodes) {
    const label = phase.get(node.id)!;
    if (label === "F") {
      names.set(node.id, node.name);
      costs.set(node.name, { forwardMs: timeMs(node), inputGradMs: 0, weightGradMs: 0 });
      continue;
    }
    const cost = costs.get(names.get(owner.get(node.id)!)!)!;
    if (label === "I") cost.inputGradMs += timeMs(node);
    else cost.weightGradMs += timeMs(node);
  }
  return costs;
}
