/** @file Strongly connected components and topological order on typed arrays: no recursion, linear time. */
import type { Rows } from "./rows.js";

/**
 * Component of each node; components are numbered so that every edge leads to a smaller number or stays inside.
 * Tarjan 1972, with an explicit stack. O(nodes + edges).
 */
export function stronglyConnected(
  count: number,
  after: Rows,
): { readonly component: Int32Array; readonly count: number } {
  const component = new Int32Array(count).fill(-1);
  const found = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const next = after.start.slice(0, count);
  const open: number[] = [];
  const path: number[] = [];
  let clock = 0;
  let components = 0;
  for (let root = 0; root < count; root++) {
    if (found[root]! >= 0) continue;
    found[root] = low[root] = clock++;
    open.push(root);
    path.push(root);
    while (path.length > 0) {
      const v = path[path.length - 1]!;
      if (next[v]! < after.start[v + 1]!) {
        const u = after.entries[next[v]!++]!;
        if (found[u]! < 0) {
          found[u] = low[u] = clock++;
          open.push(u);
          path.push(u);
        } else if (component[u]! < 0) low[v] = Math.min(low[v]!, found[u]!);
        continue;
      }
      path.pop();
      const parent = path[path.length - 1];
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[v]!);
      if (low[v] !== found[v]) continue;
      let member: number;
      do {
        member = open.pop()!;
        component[member] = components;
      } while (member !== v);
      components++;
    }
  }
  return { component, count: components };
}

/**
 * A topological order that always takes the ready node with the smallest key, ties by number.
 * Requires: no cycle (a shorter order comes back if there is one). Kahn 1962 with a binary heap, O((nodes + edges) log nodes).
 */
export function topologicalOrder(count: number, after: Rows, key: ArrayLike<number>): Int32Array {
  const waiting = new Int32Array(count);
  for (const u of after.entries) waiting[u]!++;
  const heap: number[] = [];
  const less = (a: number, b: number): boolean => key[a]! < key[b]! || (key[a]! === key[b]! && a < b);
  const push = (v: number): void => {
    let at = heap.length;
    heap.push(v);
    while (at > 0 && less(v, heap[(at - 1) >> 1]!)) {
      heap[at] = heap[(at - 1) >> 1]!;
      at = (at - 1) >> 1;
    }
    heap[at] = v;
  };
  const pop = (): number => {
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && less(heap[child + 1]!, heap[child]!)) child++;
      if (!less(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  };
  for (let v = 0; v < count; v++) if (waiting[v] === 0) push(v);
  const order = new Int32Array(count);
  let done = 0;
  while (heap.length > 0) {
    const v = pop();
    order[done++] = v;
    for (let i = after.start[v]!; i < after.start[v + 1]!; i++)
      if (--waiting[after.entries[i]!]! === 0) push(after.entries[i]!);
  }
  return order.subarray(0, done);
}
