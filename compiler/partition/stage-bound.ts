/** @file A lower bound from single nodes: whatever stage holds a node, it loads at least as much as the cheapest set around it. */
import type { Instance } from "./instance.js";
import { FlowNetwork } from "./min-cut.js";

/** Far above any sum of costs; times are milliseconds. */
const UNLIMITED = 1e15;

/**
 * max over nodes v of min over sets S with v of work(S) / fastest speed + cost of the nets that S cuts, by one minimum cut
 * each: no stage with v loads less, in either communication model, whatever the number of stages. A node in the set of
 * another needs no cut of its own, since its minimum is no larger. Stops above `enoughMs`.
 *
 * It proves that more stages cannot help where big tensors surround every small piece. O(nodes · flow), in practice
 * nodes / (size of the sets) shallow flows. Source of the cut with many pins: Lawler 1973.
 */
export function stageBound(instance: Instance, enoughMs: number): number {
  const { size, work, nets, stages, totalWork } = instance;
  const fastest = stages.speed.reduce((a, b) => Math.max(a, b), 0);
  const largest = nets.cost.reduce((a, b) => Math.max(a, b), totalWork / fastest);
  const flow = new FlowNetwork(1e-13 * largest);
  flow.reset(size + 2 * nets.count);
  for (let v = 0; v < size; v++) flow.tie(v, -work[v]! / fastest);
  const around = new Float64Array(size);
  for (let e = 0; e < nets.count; e++) {
    const pins = nets.pins.entries.subarray(nets.pins.start[e]!, nets.pins.start[e + 1]!);
    const cost = nets.cost[e]!;
    if (cost === 0) continue;
    for (const v of pins) around[v]! += cost;
    if (pins.length === 2) {
      flow.arc(pins[0]!, pins[1]!, cost, cost);
      continue;
    }
    const any = size + 2 * e;
    flow.arc(any, any + 1, cost, 0);
    for (const v of pins) {
      flow.arc(v, any, UNLIMITED, 0);
      flow.arc(any + 1, v, UNLIMITED, 0);
    }
  }
  flow.save();
  const alone = around.map((cost, v) => cost + work[v]! / fastest);
  const order = Array.from(alone.keys()).sort((a, b) => alone[b]! - alone[a]! || a - b);
  const covered = new Uint8Array(size);
  let bound = 0;
  for (const v of order) {
    if (alone[v]! <= bound) break;
    if (covered[v] === 1) continue;
    flow.restore();
    flow.tie(v, UNLIMITED);
    bound = Math.max(bound, flow.maximize());
    if (bound >= enoughMs) break;
    for (let u = 0; u < size; u++) if (flow.inSource(u)) covered[u] = 1;
  }
  return bound * (1 - 1e-9);
}
