/**
 * @file The split of the backward pass: I, what gradients must pass through on their way to earlier nodes, and W, what
 * only gradients of weights need. The split that zero-bubble schedules live on (Qi et al. 2024, section 2); early-sums.ts
 * gives I a part of W.
 */
import type { Node, NodeId, Value } from "../ir/graph.js";
import { liveNodes } from "../ir/walk.js";
import type { NodePhase } from "./differentiated.js";

/**
 * Labels each node F, I or W.
 *
 * Requires: nodes in topological order; `flows`, the gradients of values that depend on the model's inputs, where rules
 * start from them, and the gradients of inputs. Gradients of what parameters alone decide, such as a transposed weight,
 * are no flows: they are work for W.
 * Ensures: no I node reads what a W node makes. Cost: linear.
 */
export function splitPhases(
  nodes: readonly Node[],
  forward: ReadonlySet<NodeId>,
  flows: Iterable<Value>,
): ReadonlyMap<NodeId, NodePhase> {
  const onTheWay = new Set(liveNodes(nodes, flows).map((node) => node.id));
  const label = ({ id }: Node): NodePhase => (forward.has(id) ? "F" : onTheWay.has(id) ? "I" : "W");
  return new Map(nodes.map((node) => [node.id, label(node)]));
}
