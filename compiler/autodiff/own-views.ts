/**
 * @file Views that W makes for itself. A reshaped tensor is the tensor itself while it stays inside a program, but handed
 * from one program to another it is a copy, and often a second one beside the tensor. So what W reads as a view of what I
 * made, it views itself.
 */
import { NodeCopier } from "../ir/copier.js";
import type { Node, NodeId, Value, ValueId } from "../ir/graph.js";
import { liveNodes, producers } from "../ir/walk.js";
import type { OpTable } from "../ops/define.js";
import type { Differentiated, NodePhase } from "./differentiated.js";

/**
 * Ensures: no W node reads a view that an I node made; values, phases and owners of what was there are unchanged; a view
 * has the owner of its reader. Views that nothing reads any more are left out. Cost: linear.
 */
export function withOwnViews(differentiated: Differentiated, ops: OpTable): Differentiated {
  const { graph } = differentiated;
  const table = new ViewTable(differentiated, ops);
  const nodes = graph.nodes.flatMap((node) => table.withViews(node));
  const roots = [...graph.outputs, ...graph.states.map(({ next }) => next)];
  const { phase, owner } = table;
  return { ...differentiated, graph: { ...graph, nodes: liveNodes(nodes, roots) }, phase, owner };
}

/** The views made so far. */
class ViewTable {
  readonly phase: Map<NodeId, NodePhase>;
  readonly owner: Map<NodeId, NodeId>;
  readonly #ops: OpTable;
  readonly #maker: ReadonlyMap<ValueId, Node>;
  /** By the value and who owns its reader. */
  readonly #views = new Map<string, Value>();
  readonly #copier: NodeCopier;

  constructor({ graph, phase, owner }: Differentiated, ops: OpTable) {
    this.#ops = ops;
    this.phase = new Map(phase);
    this.owner = new Map(owner);
    this.#maker = producers(graph);
    this.#copier = new NodeCopier(graph, "/view");
  }

  /** The node, after the views that it needs; a W node reads its own. */
  withViews(node: Node): readonly Node[] {
    if (this.phase.get(node.id) !== "W") return [node];
    const made: Node[] = [];
    const inputs = node.inputs.map((value) => value && this.#own(value, this.owner.get(node.id)!, made));
    return [...made, { ...node, inputs } as Node];
  }

  /** What W reads in place of a value; what has to be made for it is appended, deepest first. */
  #own(value: Value, owner: NodeId, made: Node[]): Value {
    const chain: Node[] = [];
    let base = value;
    for (let view = this.#viewOfI(base); view; view = this.#viewOfI(base)) {
      chain.push(view);
      base = view.inputs[0]!;
    }
    return chain.reduceRight((seen, view) => this.#copy(view, seen, owner, made), base);
  }

  #viewOfI({ id }: Value): Node | undefined {
    const node = this.#maker.get(id);
    return node && this.#ops[node.op].isView && this.phase.get(node.id) === "I" ? node : undefined;
  }

  #copy(view: Node, input: Value, owner: NodeId, made: Node[]): Value {
    const [value] = view.outputs as readonly [Value];
    const key = `${value.id} ${owner}`;
    const known = this.#views.get(key);
    if (known) return known;
    const copy = this.#copier.copy(view, [input, ...view.inputs.slice(1)] as Node["inputs"]);
    const output = copy.outputs[0]!;
    made.push(copy);
    this.phase.set(copy.id, "W");
    this.owner.set(copy.id, owner);
    this.#views.set(key, output);
    return output;
  }
}
