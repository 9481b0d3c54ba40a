/** @file Below what the integers of a graph's inputs must lie: sizes of the tables that they are indices of. */
import type { Graph, Node, ValueId } from "../ir/graph.js";
import type { OpType } from "./types.js";

/** Ops that hand integers on unchanged, from the inputs listed to every output. */
const PASSES: Partial<Readonly<Record<OpType, readonly number[]>>> = {
  Cast: [0],
  Concat: [0, 1, 2, 3],
  Expand: [0],
  Flatten: [0],
  Identity: [0],
  Reshape: [0],
  Slice: [0],
  Split: [0],
  Squeeze: [0],
  Tile: [0],
  Transpose: [0],
  Unsqueeze: [0],
  Where: [1, 2],
};

/** Ops that read input 1 as places along an axis of input 0. */
const INDEXES: ReadonlySet<OpType> = new Set<OpType>(["Gather", "GatherElements", "ScatterElements"]);

/**
 * The limit of every integer input that ends as an index: 0 ≤ element < limit. Inputs that are used otherwise are left
 * out. One reverse sweep.
 */
export function indexLimits(graph: Graph): ReadonlyMap<string, number> {
  const limit = new Map<ValueId, number>();
  const lower = (id: ValueId, to: number): void => void limit.set(id, Math.min(to, limit.get(id) ?? Infinity));
  for (let at = graph.nodes.length - 1; at >= 0; at--) {
    const node = graph.nodes[at]!;
    const indexed = tableSize(node);
    const indices = node.inputs[1];
    if (indexed !== undefined && indices) lower(indices.id, indexed);
    const passed = Math.min(...node.outputs.map((value) => (value && limit.get(value.id)) ?? Infinity));
    if (passed === Infinity) continue;
    for (const index of PASSES[node.op] ?? []) {
      const value = node.inputs[index];
      if (value) lower(value.id, passed);
    }
  }
  return new Map(
    graph.inputs.flatMap(({ id, name }): [string, number][] => (limit.has(id) ? [[name, limit.get(id)!]] : [])),
  );
}

/** Size of the axis of input 0 that input 1 points into. */
function tableSize(node: Node): number | undefined {
  const table = node.inputs[0];
  if (!INDEXES.has(node.op) || !table) return undefined;
  const { axis = 0 } = node.attrs as { readonly axis?: number };
  return table.type.shape[axis < 0 ? axis + table.type.shape.length : axis];
}
