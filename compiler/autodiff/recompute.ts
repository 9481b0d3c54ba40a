/**
 * @file Recomputation (activation checkpointing, Chen et al. 2016, arXiv 1604.06174): the backward pass makes forward
 * values again from what its stage kept, instead of reading them from a stash. Source to source, like the gradients: the
 * copies are plain nodes of the backward pass, so schedules, slots and programs need not know of them.
 */
import { NodeCopier } from "../ir/copier.js";
import type { Node, NodeId, Value, ValueId } from "../ir/graph.js";
import { producers } from "../ir/walk.js";
import type { Differentiated, NodePhase } from "./differentiated.js";

/** Forward nodes that are run again, and where everything is. */
export interface RecomputeChoice {
  /** Forward nodes whose results are not kept for the backward pass of their own stage. */
  readonly again: ReadonlySet<NodeId>;
  /** Stage of every forward node, non-decreasing along the data flow. */
  readonly stageOf: ReadonlyMap<NodeId, number>;
  /** Values that stay kept besides those that have to. */
  readonly keeps?: ReadonlySet<ValueId>;
}

/** A differentiated graph that stashes less, and the forward nodes that its backward pass runs again, with their phase. */
export interface Recomputed {
  readonly differentiated: Differentiated;
  readonly runAgain: ReadonlyMap<NodeId, NodePhase>;
}

/**
 * Puts copies of forward nodes in front of the backward nodes that read their results.
 *
 * What another stage's backward pass reads stays kept, and so does what a node makes that reads a state, since the state
 * has changed by then. Copies read what earlier stages sent and what their own stage kept. The same ops on the same
 * tensors give the same bits.
 *
 * Requires: every node of `again` is a forward node.
 * Ensures: gradients, phases and owners of what was there are unchanged; a copy is owned by its original, comes as late as
 * its readers allow, and is I if an I node needs it, else W. Cost: linear.
 */
export function recompute(differentiated: Differentiated, { again, stageOf, keeps }: RecomputeChoice): Recomputed {
  const { graph, phase, owner } = differentiated;
  const maker = producers(graph);
  const stage = (node: Node): number => stageOf.get(owner.get(node.id)!)!;
  const kept = keptValues(differentiated, again, stage);
  const copies = new CopyTable(differentiated);
  const nodes: Node[] = graph.nodes.filter(({ id }) => phase.get(id) === "F");
  const original = (value: Value, reader: number): Node | undefined => {
    const node = maker.get(value.id);
    if (!node || phase.get(node.id) !== "F" || !again.has(node.id) || kept.has(value.id) || keeps?.has(value.id))
      return undefined;
    return stage(node) === reader ? node : undefined;
  };

  /** The node's inputs with copies in place of what is not kept; the copies are appended, deepest first. */
  const rewired = (node: Node): readonly (Value | undefined)[] => {
    const at = stage(node);
    const waiting = sourcesOf(node, at, original).reverse();
    while (waiting.length > 0) {
      const next = waiting.at(-1)!;
      const missing = copies.has(next) ? [] : sourcesOf(next, at, original).filter((source) => !copies.has(source));
      if (missing.length > 0) {
        waiting.push(...missing.reverse());
        continue;
      }
      waiting.pop();
      if (!copies.has(next)) nodes.push(copies.make(next, (value) => original(value, at) !== undefined));
    }
    return node.inputs.map((value) => (value && original(value, at) ? copies.of(value) : value));
  };
  for (const node of graph.nodes) {
    if (phase.get(node.id) === "F") continue;
    nodes.push({ ...node, inputs: rewired(node) } as Node);
  }
  return copies.finish(nodes);
}

/** Makers, on the stage of `node`, of inputs that must be made again; each once. */
function sourcesOf(node: Node, at: number, original: (value: Value, at: number) => Node | undefined): Node[] {
  return [...new Set(node.inputs.flatMap((value) => (value && original(value, at)) ?? []))];
}

/** Values that stay in any case: read by the backward pass or a copy of another stage, or made from a state. */
function keptValues(
  { graph, phase }: Differentiated,
  again: ReadonlySet<NodeId>,
  stage: (node: Node) => number,
): ReadonlySet<ValueId> {
  const kept = new Set<ValueId>();
  const states = new Set(graph.states.map(({ param }) => param.id));
  const madeAt = new Map<ValueId, number>();
  for (const node of graph.nodes) {
    const isAgain = phase.get(node.id) !== "F" || again.has(node.id);
    for (const value of node.inputs) {
      if (!value || !isAgain) continue;
      const made = madeAt.get(value.id);
      if (made !== undefined && made !== stage(node)) kept.add(value.id);
    }
    if (phase.get(node.id) !== "F") continue;
    const readsState = node.inputs.some((value) => value && states.has(value.id));
    for (const value of node.outputs) {
      if (!value) continue;
      madeAt.set(value.id, stage(node));
      if (readsState) kept.add(value.id);
    }
  }
  return kept;
}

/** The copies made so far. */
class CopyTable {
  readonly #differentiated: Differentiated;
  readonly #copies = new Map<NodeId, Node>();
  readonly #values = new Map<ValueId, Value>();
  readonly #copier: NodeCopier;

  constructor(differentiated: Differentiated) {
    this.#differentiated = differentiated;
    this.#copier = new NodeCopier(differentiated.graph, "/again");
  }

  has({ id }: Node): boolean {
    return this.#copies.has(id);
  }

  of({ id }: Value): Value {
    return this.#values.get(id)!;
  }

  make(node: Node, isCopied: (value: Value) => boolean): Node {
    const inputs = node.inputs.map((value) => (value && isCopied(value) ? this.of(value) : value));
    const copy = this.#copier.copy(node, inputs);
    for (const [at, value] of node.outputs.entries()) if (value) this.#values.set(value.id, copy.outputs[at]!);
    this.#copies.set(node.id, copy);
    return copy;
  }

  /** The graph of these nodes, with phases and owners for the copies. */
  finish(nodes: readonly Node[]): Recomputed {
    const { graph, phase, owner } = this.#differentiated;
    const owners = new Map(owner);
    const originalOf = new Map<NodeId, NodeId>();
    for (const [original, copy] of this.#copies) {
      owners.set(copy.id, original);
      originalOf.set(copy.id, original);
    }
    const phases = new Map(phase);
    const early = new Set<ValueId>();
    for (let at = nodes.length - 1; at >= 0; at--) {
      const node = nodes[at]!;
      if (originalOf.has(node.id))
        phases.set(node.id, node.outputs.some((value) => value && early.has(value.id)) ? "I" : "W");
      if (phases.get(node.id) !== "I") continue;
      for (const value of node.inputs) if (value) early.add(value.id);
    }
    const runAgain = new Map([...originalOf].map(([copy, original]) => [original, phases.get(copy)!]));
    return {
      differentiated: { ...this.#differentiated, graph: { ...graph, nodes }, phase: phases, owner: owners },
      runAgain,
    };
  }
}
