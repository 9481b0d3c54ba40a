/** @file The partitioned block graph as data: what stands behind the stages of a plan, for reports and exports. */
import type { Graph, NodeId } from "../ir/graph.js";
import type { BlockGraph } from "../partition/problem.js";

/** A block, its costs per microbatch, and where it went. */
export interface MappedBlock {
  /** The name of its costliest node. */
  readonly name: string;
  readonly stage: number;
  /** Names of its forward nodes. */
  readonly nodes: readonly string[];
  readonly forwardMs: number;
  readonly inputGradMs: number;
  readonly weightGradMs: number;
  readonly parameterBytes: number;
  readonly stashBytes: number;
}

/** Tensors from one block to others; blocks by their place in the list. Of the backward pass if forwardBytes is 0. */
export interface MappedNet {
  readonly producer: number;
  readonly consumers: readonly number[];
  readonly forwardBytes: number;
  readonly gradBytes: number;
}

export interface BlockMap {
  readonly version: 1;
  readonly blocks: readonly MappedBlock[];
  /** Nets that carry something. */
  readonly nets: readonly MappedNet[];
}

/** Requires: `stageOf` has a stage for every block; the blocks hold nodes of `graph`. */
export function blockMap(graph: Graph, { blocks, nets }: BlockGraph, stageOf: ArrayLike<number>): BlockMap {
  const names = new Map<NodeId, string>(graph.nodes.map(({ id, name }) => [id, name]));
  return {
    version: 1,
    blocks: blocks.map((block) => ({
      name: block.name,
      stage: stageOf[block.index]!,
      nodes: block.nodes.map((id) => names.get(id)!),
      forwardMs: block.forwardMs,
      inputGradMs: block.inputGradMs,
      weightGradMs: block.weightGradMs,
      parameterBytes: block.parameterBytes,
      stashBytes: block.stashBytes,
    })),
    nets: nets
      .filter(({ forwardBytes, gradBytes }) => forwardBytes + gradBytes > 0)
      .map(({ producer, consumers, forwardBytes, gradBytes }) => ({ producer, consumers, forwardBytes, gradBytes })),
  };
}
