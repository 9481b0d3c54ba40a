/** @file How PipeDream's optimizer cuts. */
import { hasBit, isSubset, setBit } from "../bits.js";
import type { Instance } from "../instance.js";
import type { PartitionProblem } from "../problem.js";
import { antichainSets } from "./antichains.js";
import type { OtherCut } from "./other-cut.js";
import { endsFrom, modelOrder, pieces } from "./sequence.js";

/** Antichains beyond which one order takes their place. PipeDream's own takes seconds at 1500, in proportion to their square. */
const MOST_STATES = 4000;

/** What the first stages may hold together: the set, its work, and what crosses behind it. */
interface State {
  readonly set: Uint32Array;
  readonly work: number;
  readonly cut: number;
}

/**
 * PipeDream's optimizer for a straight pipeline (Narayanan et al. 2019, section 3.1; optimizer_graph_hierarchical.py of
 * msr-fiddle/pipedream): a dynamic programme over antichains in which a stage takes the larger of its compute and of the
 * tensors in and out, which are taken to overlap. Where antichains are too many, over one topological order.
 * O(states² · (stages + nodes / 32)).
 */
export function likePipeDream(problem: PartitionProblem, mostStates = MOST_STATES): OtherCut {
  const { instance, order } = modelOrder(problem);
  const k = pieces(problem);
  const inputs = new Set([...order].filter((v) => isInput(problem, instance, v)));
  const sets = antichainSets(instance, inputs, mostStates);
  const stageOf = sets && cutStates(statesOf(instance, sets), instance.size, k);
  if (stageOf) return { stageOf };
  const states = statesOf(instance, prefixesOf(order));
  return { stageOf: cutStates(states, instance.size, k)!, instead: "one order in place of its antichains" };
}

/** What PipeDream's profiler names an input: its optimizer leaves it on the first stage. */
function isInput({ graph }: PartitionProblem, { before }: Instance, v: number): boolean {
  return before.start[v] === before.start[v + 1] && graph.blocks[v]!.name.startsWith("Input");
}

/** By growing work, so that a subset comes before what holds it. */
function statesOf({ size, work, nets }: Instance, sets: readonly Uint32Array[]): readonly State[] {
  const nodes = Array.from({ length: size }, (_, v) => v);
  const states = sets.map((set) => {
    let cut = 0;
    for (let e = 0; e < nets.count; e++) {
      const pins = nets.pins.entries.subarray(nets.pins.start[e]!, nets.pins.start[e + 1]!);
      const inside = pins.reduce((count, v) => count + (hasBit(set, v) ? 1 : 0), 0);
      if (inside > 0 && inside < pins.length) cut += nets.cost[e]!;
    }
    const members = nodes.filter((v) => hasBit(set, v));
    return { set, cut, size: members.length, work: members.reduce((sum, v) => sum + work[v]!, 0) };
  });
  return states.sort((a, b) => a.work - b.work || a.size - b.size);
}

function prefixesOf(order: Int32Array): readonly Uint32Array[] {
  const set = new Uint32Array((order.length + 31) >>> 5);
  return Array.from(order, (v) => {
    setBit(set, v);
    return set.slice();
  });
}

/** The stages of the best chain of `k` states that ends with all nodes; undefined when no chain is that long. */
function cutStates(states: readonly State[], size: number, k: number): Int32Array | undefined {
  const last = states.length - 1;
  let best = Float64Array.from(states, ({ work }) => work);
  const from: Int32Array[] = [];
  for (let s = 1; s < k; s++) {
    const next = new Float64Array(states.length).fill(Infinity);
    const back = new Int32Array(states.length);
    for (let end = s; end <= last; end++) {
      const { set, work, cut } = states[end]!;
      for (let begin = end - 1; begin >= 0 && work - states[begin]!.work < next[end]!; begin--) {
        const value = Math.max(best[begin]!, work - states[begin]!.work, states[begin]!.cut, cut);
        if (value >= next[end]! || !isSubset(states[begin]!.set, set)) continue;
        next[end] = value;
        back[end] = begin;
      }
    }
    best = next;
    from.push(back);
  }
  if (best[last] === Infinity || !holdsAll(states[last]!, size)) return undefined;
  const stageOf = new Int32Array(size);
  endsFrom(from, last).forEach((end, s, ends) => {
    const before = states[ends[s - 1] ?? -1]?.set;
    for (let v = 0; v < size; v++) if (hasBit(states[end]!.set, v) && !(before && hasBit(before, v))) stageOf[v] = s;
  });
  return stageOf;
}

function holdsAll({ set }: State, size: number): boolean {
  for (let v = 0; v < size; v++) if (!hasBit(set, v)) return false;
  return true;
}
