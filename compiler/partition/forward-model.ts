/** @file What the partitioner is told of a model: forward nodes with costs and the tensors between them. Types only. */
import type { NodeId } from "../ir/graph.js";
import type { NodeCost } from "../profile/profile.js";

/** A forward node and what comes along with it. */
export interface ForwardNode {
  readonly id: NodeId;
  readonly name: string;
  readonly cost: NodeCost;
  /** Parameter elements' bytes, counted at one of the nodes that read the parameter. */
  readonly parameterBytes: number;
  /** Held once: parameters, gradient accumulators, optimizer state. */
  readonly residentBytes: number;
  /** Held per microbatch in flight: what the backward pass reads again. */
  readonly stashBytes: number;
}

/**
 * A tensor that crosses when maker and readers are on different stages. Backward tensors are named by the forward nodes
 * that own their maker and readers; they flow to the same or an earlier stage.
 */
export interface ForwardTensor {
  readonly name: string;
  readonly maker: NodeId;
  /** Other nodes than the maker. */
  readonly readers: readonly NodeId[];
  readonly bytes: number;
  readonly direction: "forward" | "backward";
}

/** Nodes are in topological order of the forward tensors. */
export interface ForwardModel {
  readonly nodes: readonly ForwardNode[];
  readonly tensors: readonly ForwardTensor[];
  /** Nodes of one group share a stage: readers of one parameter, parts that cannot be torn apart. */
  readonly colocate?: readonly (readonly NodeId[])[];
}
