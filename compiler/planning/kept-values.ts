/**
 * @file What the backward pass of a stage finds kept, whatever runs again: values that it reads and does not make again.
 * Blocks that run again only save what neither a backward node nor another of them reads from a block that does not.
 */
import type { ValueId } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import { blocksOfNodes } from "../partition/blocks.js";
import type { PlanSubject } from "./subject.js";

/** A forward value, with the blocks that make and read it. */
export interface ForwardValue {
  readonly bytes: number;
  readonly maker: number;
  /** In the forward pass. */
  readonly readers: readonly number[];
  /** Whose backward pass reads it. */
  readonly backward: readonly number[];
}

/** Those of the model, but for parameters and what the model is given. Linear. */
export function forwardValues({ training, blocks }: Pick<PlanSubject, "training" | "blocks">): readonly ForwardValue[] {
  const { graph, phase, owner } = training.differentiated;
  const blockOf = blocksOfNodes(blocks.graph);
  const readers = new Map<ValueId, { readonly forward: Set<number>; readonly backward: Set<number> }>();
  const found: (readonly [ValueId, Pick<ForwardValue, "bytes" | "maker">])[] = [];
  for (const node of graph.nodes) {
    const block = blockOf.get(owner.get(node.id)!)!;
    const pass = phase.get(node.id) === "F" ? "forward" : "backward";
    for (const value of node.inputs) if (value) readers.get(value.id)?.[pass].add(block);
    if (pass === "backward") continue;
    for (const value of node.outputs) {
      if (!value) continue;
      readers.set(value.id, { forward: new Set(), backward: new Set() });
      found.push([value.id, { bytes: tensorBytes(value.type), maker: block }]);
    }
  }
  return found.map(([id, value]) => {
    const { forward, backward } = readers.get(id)!;
    return { ...value, readers: [...forward].filter((block) => block !== value.maker), backward: [...backward] };
  });
}
