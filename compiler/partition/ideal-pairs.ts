/** @file Exact partition by a dynamic programme over pairs of ideals: both models, memory, pins, unlike stages. */
import { holds, idealCuts } from "./ideals.js";
import type { Lattice } from "./ideals.js";
import type { Instance } from "./instance.js";
import type { Interruption } from "./interruption.js";
import { againFor } from "./slicing.js";
import type { Candidate } from "./slicing.js";

/** `complete`: the search was not cut short, so nothing better than `best` (or than the limit) exists. */
export interface ExactResult {
  readonly complete: boolean;
  readonly best: Candidate | undefined;
}

/** Only partitions below `limitMs` count; `pairLimit` bounds the work. */
export interface PairOptions extends Interruption {
  readonly limitMs: number;
  readonly pairLimit: number;
}

/**
 * The best partition with a bottleneck below `limitMs`. Where forward passes may run again for want of memory, the best
 * one if all of a stage did in the same proportion, which is not complete.
 *
 * best[ideal][s] is the smallest bottleneck when the first s stages hold the ideal; from each ideal a depth-first walk
 * meets every larger ideal whose difference can still be one stage. O(ideals² · stages) at worst; limits and windows
 * prune most of it. Source: Tarnawski et al. 2020, section 5 (their dp.cpp), with bound pruning added.
 */
export async function solveByPairs(instance: Instance, lattice: Lattice, options: PairOptions): Promise<ExactResult> {
  const { stages, nets, relay, totalWork, size } = instance;
  const k = stages.count;
  const { count } = lattice;
  const best = new Float64Array(count * (k + 1)).fill(Infinity);
  const from = new Int32Array(count * (k + 1)).fill(-1);
  best[0] = 0;
  const cuts = idealCuts(instance, lattice);
  const boundary = (i: number, b: number): number =>
    cuts.messages[i]! * stages.boundaryLatency[b]! + cuts.bytes[i]! * stages.boundaryMsPerByte[b]!;
  const speedAfter = new Float64Array(k + 1);
  for (let s = k - 1; s >= 0; s--) speedAfter[s] = speedAfter[s + 1]! + stages.speed[s]!;
  const pinned = instance.first.some((s) => s > 0) || instance.last.some((s) => s < k - 1);
  const goal = (count - 1) * (k + 1) + k;
  let limit = options.limitMs;
  let pairs = 0;

  const allowed = (i: number, b: number): boolean => {
    if (!pinned) return true;
    for (let v = 0; v < size; v++) {
      const inside = holds(lattice, i, v);
      if (inside ? instance.first[v]! >= b : instance.last[v]! < b) return false;
    }
    return true;
  };

  const met = new Int32Array(count).fill(-1);
  const inStage = new Int32Array(nets.count);
  const consumersInStage = new Int32Array(nets.count);
  const active = new Int32Array(k);
  const stack: { ideal: number; next: number; node: number }[] = [];
  let messages = 0;
  let bytes = 0;
  let received = 0;
  let resident = 0;
  let stash = 0;
  let again = instance.againMs && 0;

  const add = (v: number, sign: 1 | -1): void => {
    resident += sign * instance.residentBytes[v]!;
    stash += sign * instance.stashBytes[v]!;
    if (again !== undefined) again += sign * instance.againMs![v]!;
    if (relay) return;
    for (let q = nets.of.start[v]!; q < nets.of.start[v + 1]!; q++) {
      const e = nets.of.entries[q]!;
      const begin = nets.pins.start[e]!;
      const pins = nets.pins.start[e + 1]! - begin;
      const was = inStage[e]!;
      const now = (inStage[e] = was + sign);
      const change = (now > 0 && now < pins ? 1 : 0) - (was > 0 && was < pins ? 1 : 0);
      messages += change * nets.messages[e]!;
      bytes += change * nets.bytes[e]!;
      if (nets.forwardBytes[e] === 0) continue;
      const producer = nets.pins.entries[begin]!;
      if (v === producer) continue;
      const consumers = (consumersInStage[e]! += sign);
      const arrives = sign === 1 ? consumers === 1 : consumers === 0;
      if (arrives && producerBefore(producer)) received += sign * nets.forwardBytes[e]!;
    }
  };
  let source = 0;
  const producerBefore = (producer: number): boolean => holds(lattice, source, producer);

  for (let i = 0; i < count; i++) {
    if ((i & 255) === 0) {
      await options.pause();
      if (options.cancelled()) return { complete: false, best: undefined };
    }
    const base = i * (k + 1);
    let alive = 0;
    for (let s = 0; s < k; s++) {
      if (best[base + s]! >= limit) continue;
      if (stages.mayBeEmpty) {
        const pass = Math.max(best[base + s]!, relay ? boundary(i, s) + boundary(i, s + 1) : 0);
        const fits = stages.inFlight[s]! * (relay ? cuts.forward[i]! : 0) <= stages.memory[s]!;
        if (fits && pass < limit && pass < best[base + s + 1]! && allowed(i, s + 1)) {
          best[base + s + 1] = pass;
          from[base + s + 1] = i;
        }
      }
      if (totalWork - lattice.work[i]! <= speedAfter[s]! * limit * (1 + 1e-9)) active[alive++] = s;
    }
    if (best[goal]! < limit) limit = best[goal]!;
    if (alive === 0 || i === count - 1) continue;
    let reach = 0;
    for (let a = 0; a < alive; a++) reach = Math.max(reach, stages.speed[active[a]!]!);
    source = i;
    messages = bytes = resident = stash = 0;
    again = instance.againMs && 0;
    received = relay ? cuts.forward[i]! : 0;
    met[i] = i;
    stack.length = 0;
    stack.push({ ideal: i, next: lattice.covers.start[i]!, node: -1 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      if (top.next >= lattice.covers.start[top.ideal + 1]!) {
        stack.pop();
        if (top.node >= 0) add(top.node, -1);
        continue;
      }
      const v = lattice.covers.entries[top.next]!;
      const j = lattice.covers.entries[top.next + 1]!;
      top.next += 2;
      if (met[j] === i) continue;
      met[j] = i;
      const work = lattice.work[j]! - lattice.work[i]!;
      if (work >= reach * limit) continue;
      add(v, 1);
      let fits = false;
      for (let a = 0; a < alive; a++) {
        const s = active[a]!;
        const over = resident + stages.inFlight[s]! * (stash + received) - stages.memory[s]!;
        const compute = (work + againFor(over, stages.inFlight[s]!, stash, again)) / stages.speed[s]!;
        if (compute >= limit) continue;
        fits = true;
        const load = relay
          ? compute + boundary(i, s) + boundary(j, s + 1)
          : compute + messages * stages.latency[s]! + bytes * stages.msPerByte[s]!;
        const value = Math.max(best[base + s]!, load);
        const there = j * (k + 1) + s + 1;
        if (value < limit && value < best[there]! && (!pinned || allowed(j, s + 1))) {
          best[there] = value;
          from[there] = i;
          if (there === goal) limit = value;
        }
      }
      if (++pairs > options.pairLimit) return { complete: false, best: undefined };
      if (fits) stack.push({ ideal: j, next: lattice.covers.start[j]!, node: v });
      else add(v, -1);
    }
  }
  const complete = !(instance.memoryMatters && instance.againMs);
  if (best[goal]! >= options.limitMs) return { complete, best: undefined };
  return { complete, best: { stageOf: chainOf(lattice, from, size, k), bottleneckMs: best[goal]! } };
}

/** Reads the chain of ideals back and gives each node the stage whose ideal first holds it. */
function chainOf(lattice: Lattice, from: Int32Array, size: number, k: number): Int32Array {
  const stageOf = new Int32Array(size);
  let i = lattice.count - 1;
  for (let s = k; s > 0; s--) {
    const smaller = from[i * (k + 1) + s]!;
    for (let v = 0; v < size; v++) if (holds(lattice, i, v) && !holds(lattice, smaller, v)) stageOf[v] = s - 1;
    i = smaller;
  }
  return stageOf;
}
