/** @file Copies of nodes beside their originals. */
import { freeIds, uniqueName } from "./fresh.js";
import type { Graph, Node, NodeId, Value, ValueId } from "./graph.js";

/** Makes copies that a graph can have besides what it has: with ids and names of their own. */
export class NodeCopier {
  readonly #suffix: string;
  readonly #names: Set<string>;
  #nextNodeId: NodeId;
  #nextValueId: ValueId;

  /** `suffix` ends the names of copies, before the number that some need. Cost: linear. */
  constructor(graph: Graph, suffix: string) {
    this.#suffix = suffix;
    const { nextNodeId, nextValueId } = freeIds(graph);
    this.#nextNodeId = nextNodeId;
    this.#nextValueId = nextValueId;
    const { inputs, params, nodes } = graph;
    const values = nodes.flatMap((node) => [...node.inputs, ...node.outputs]);
    const named = [...inputs, ...params, ...nodes, ...values];
    this.#names = new Set(named.flatMap((item) => item?.name ?? []));
  }

  /** The same node over other inputs. */
  copy(node: Node, inputs: Node["inputs"]): Node {
    const outputs = node.outputs.map(
      (value) => value && { ...value, id: this.#nextValueId++, name: this.#nameOf(value) },
    );
    return { ...node, id: this.#nextNodeId++, name: this.#nameOf(node), inputs, outputs } as Node;
  }

  #nameOf({ name }: Node | Value): string {
    return uniqueName(this.#names, `${name}${this.#suffix}`);
  }
}
