/** @file What autodiff hands on: forward and backward in one graph, each node with its phase and its owner. Types only. */
import type { Graph, NodeId, Value } from "../ir/graph.js";

/**
 * F: forward. I: on the way to the gradients that leave a stage, and sums over what lies there. W: needed by weight
 * gradients only.
 */
export type NodePhase = "F" | "I" | "W";

/** A value and the gradient of the loss with respect to it. */
export interface Gradient {
  readonly of: Value;
  readonly grad: Value;
  /** The forward node that added the last contribution: the earliest reader of `of`. */
  readonly owner: NodeId;
  /** The same gradient in further copies of the graph, see copies.ts. */
  readonly copies?: readonly { readonly grad: Value; readonly owner: NodeId }[];
}

/**
 * Forward nodes first, then backward nodes, in one topological order.
 * Every backward node has an `owner`: the forward node whose gradient rule made it. A backward node runs on the stage
 * of its owner, so gradients only flow to the same or an earlier stage, and sums have one fixed order whatever the cut.
 */
export interface Differentiated {
  /** Inputs, params, nodes and states of the model; outputs: the loss, the model's outputs, then all gradients. */
  readonly graph: Graph;
  /** Scalar, float32. */
  readonly loss: Value;
  readonly phase: ReadonlyMap<NodeId, NodePhase>;
  /** Forward nodes own themselves. */
  readonly owner: ReadonlyMap<NodeId, NodeId>;
  /** One per trainable parameter, in the order of `graph.params`. A parameter that the loss does not reach has none. */
  readonly parameterGrads: readonly Gradient[];
  /** One per differentiable input that was asked for. */
  readonly inputGrads: readonly Gradient[];
}
