/** @file Neighbours that no better partition separates become one node. */
import { DisjointSets, contract } from "./contract.js";
import type { Contraction } from "./contract.js";
import type { Instance } from "./instance.js";

/**
 * Contracts pairs whose separation costs too much: if u and v are on different stages, every net that holds both is
 * cut and charged to both their stages, so max(work u, work v) / speed + Σ cost ≥ limit rules that out. Repeats while it
 * finds pairs. Sound for both models: every partition with a bottleneck below `limitMs` survives.
 * O(rounds · pins²) on nets of up to 32 pins; larger nets are looked at alone.
 */
export function contractUncuttable(instance: Instance, limitMs: number): Contraction {
  let current = instance;
  let nodeOf = Int32Array.from({ length: instance.size }, (_, v) => v);
  const fastest = instance.stages.speed.reduce((a, b) => Math.max(a, b), 0);
  const fewest = instance.stages.mayBeEmpty ? 1 : instance.stages.count;
  for (;;) {
    const sets = new DisjointSets(current.size);
    const { nets, work } = current;
    let found = false;
    let groups = current.size;
    const join = (u: number, v: number): void => {
      if (groups > fewest && sets.union(u, v)) {
        found = true;
        groups--;
      }
    };
    const shared = new Map<number, number>();
    for (let e = 0; e < nets.count; e++) {
      const pins = nets.pins.entries.subarray(nets.pins.start[e]!, nets.pins.start[e + 1]!);
      if (nets.cost[e]! >= limitMs) for (const p of pins) join(pins[0]!, p);
      if (pins.length > 32 || nets.cost[e] === 0) continue;
      for (let a = 0; a < pins.length; a++)
        for (let b = a + 1; b < pins.length; b++) {
          const key = Math.min(pins[a]!, pins[b]!) * current.size + Math.max(pins[a]!, pins[b]!);
          shared.set(key, (shared.get(key) ?? 0) + nets.cost[e]!);
        }
    }
    for (const [key, cost] of shared) {
      const u = Math.floor(key / current.size);
      const v = key % current.size;
      if (Math.max(work[u]!, work[v]!) / fastest + cost >= limitMs) join(u, v);
    }
    if (!found) return { instance: current, nodeOf };
    const next = contract(current, sets);
    nodeOf = nodeOf.map((v) => next.nodeOf[v]!);
    current = next.instance;
  }
}
