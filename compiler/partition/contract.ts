/** @file Contraction: groups of nodes become one node, cycles that this makes are closed, numbers stay topological. */
import { stronglyConnected, topologicalOrder } from "./components.js";
import { assemble } from "./instance.js";
import type { Instance, RawNet } from "./instance.js";
import { rowsOf } from "./rows.js";
import type { Rows } from "./rows.js";

/** A smaller instance and the node of it that stands for each node of the larger one. */
export interface Contraction {
  readonly instance: Instance;
  readonly nodeOf: Int32Array;
}

/** Sets that only grow together. Tarjan 1975: union by number, path halving; the smallest member is the root. */
export class DisjointSets {
  private readonly parent: Int32Array;

  constructor(count: number) {
    this.parent = Int32Array.from({ length: count }, (_, i) => i);
  }

  find(x: number): number {
    const { parent } = this;
    while (parent[x] !== x) {
      parent[x] = parent[parent[x]!]!;
      x = parent[x]!;
    }
    return x;
  }

  /** @returns false when both were in one set already. */
  union(a: number, b: number): boolean {
    const x = this.find(a);
    const y = this.find(b);
    if (x === y) return false;
    this.parent[Math.max(x, y)] = Math.min(x, y);
    return true;
  }
}

/**
 * The finest acyclic grouping that keeps the given sets together, numbered topologically and as close to the old
 * order as that allows. O((nodes + edges) log nodes).
 */
export function acyclicGroups(size: number, after: Rows, sets: DisjointSets): { nodeOf: Int32Array; count: number } {
  const group = new Int32Array(size).fill(-1);
  let groups = 0;
  for (let v = 0; v < size; v++) {
    const root = sets.find(v);
    if (group[root]! < 0) group[root] = groups++;
    group[v] = group[root]!;
  }
  const quotient = (map: Int32Array, count: number): Rows => {
    const from: number[] = [];
    const to: number[] = [];
    for (let v = 0; v < size; v++)
      for (let i = after.start[v]!; i < after.start[v + 1]!; i++) {
        const a = map[v]!;
        const b = map[after.entries[i]!]!;
        if (a === b) continue;
        from.push(a);
        to.push(b);
      }
    return rowsOf(count, from, to);
  };
  const { component, count } = stronglyConnected(groups, quotient(group, groups));
  const map = group.map((g) => component[g]!);
  const earliest = new Int32Array(count).fill(size);
  for (let v = size - 1; v >= 0; v--) earliest[map[v]!] = v;
  const order = topologicalOrder(count, quotient(map, count), earliest);
  const place = new Int32Array(count);
  order.forEach((c, at) => (place[c] = at));
  return { nodeOf: map.map((c) => place[c]!), count };
}

/** Contracts every set to one node; an assignment of the result expands to one of `instance` with the same loads. */
export function contract(instance: Instance, sets: DisjointSets): Contraction {
  const { nodeOf, count } = acyclicGroups(instance.size, instance.after, sets);
  const add = (values: Float64Array): Float64Array => {
    const out = new Float64Array(count);
    for (let v = 0; v < values.length; v++) out[nodeOf[v]!]! += values[v]!;
    return out;
  };
  const first = new Int32Array(count);
  const last = new Int32Array(count).fill(instance.stages.count - 1);
  for (let v = 0; v < instance.size; v++) {
    const g = nodeOf[v]!;
    first[g] = Math.max(first[g]!, instance.first[v]!);
    last[g] = Math.min(last[g]!, instance.last[v]!);
  }
  const { nets } = instance;
  const raw: RawNet[] = [];
  for (let e = 0; e < nets.count; e++) {
    const all = nets.pins.entries.subarray(nets.pins.start[e]!, nets.pins.start[e + 1]!);
    const pins = [...new Set(Array.from(all, (v) => nodeOf[v]!))];
    if (pins.length < 2) continue;
    raw.push({
      pins,
      ordered: nets.ordered[e] === 1,
      messages: nets.messages[e]!,
      bytes: nets.bytes[e]!,
      forwardBytes: nets.forwardBytes[e]!,
    });
  }
  const nodes = {
    work: add(instance.work),
    againMs: instance.againMs && add(instance.againMs),
    residentBytes: add(instance.residentBytes),
    stashBytes: add(instance.stashBytes),
    first,
    last,
  };
  return { instance: assemble(nodes, raw, instance.relay, instance.stages), nodeOf };
}

/** The assignment of the larger instance that an assignment of the contracted one stands for. */
export function expand(nodeOf: Int32Array, stageOf: ArrayLike<number>): Int32Array {
  return nodeOf.map((g) => stageOf[g]!);
}
