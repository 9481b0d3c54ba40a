/** @file Slicing for the relay model in near-linear time, for graphs of tens of thousands of nodes. */
import type { Instance } from "./instance.js";
import { stashesKept } from "./recompute-choice.js";
import { boundaryWindows, crossings } from "./slicing.js";
import type { Candidate } from "./slicing.js";

/** Halvings of the interval in which the bottleneck lies. */
const HALVINGS = 44;

/** Positions by falling value; the smallest value leaves last. */
class PositionHeap {
  private readonly positions: Int32Array;
  private readonly value: Float64Array;
  private size = 0;

  constructor(value: Float64Array) {
    this.value = value;
    this.positions = new Int32Array(value.length);
  }

  clear(): void {
    this.size = 0;
  }

  /** The position with the largest value; −1 when empty. */
  top(): number {
    return this.size > 0 ? this.positions[0]! : -1;
  }

  push(position: number): void {
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.value[this.positions[parent]!]! >= this.value[position]!) break;
      this.positions[at] = this.positions[parent]!;
      at = parent;
    }
    this.positions[at] = position;
  }

  pop(): void {
    const last = this.positions[--this.size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && this.value[this.positions[child + 1]!]! > this.value[this.positions[child]!]!)
        child++;
      if (this.value[this.positions[child]!]! <= this.value[last]!) break;
      this.positions[at] = this.positions[child]!;
      at = child;
    }
    this.positions[at] = last;
  }
}

/** What each position of an order means to each stage. */
interface Positions {
  /** Work before the position. */
  readonly work: Float64Array;
  readonly resident: Float64Array;
  readonly stash: Float64Array;
  readonly forward: Float64Array;
  /** Entry b: milliseconds at the boundary before stage b. */
  readonly cuts: readonly Float64Array[];
  readonly low: Int32Array;
  readonly high: Int32Array;
}

function positionsOf(instance: Instance, order: ArrayLike<number>): Positions {
  const { size, stages } = instance;
  const cross = crossings(instance, order);
  const prefix = (values: Float64Array): Float64Array => {
    const out = new Float64Array(size + 1);
    for (let i = 0; i < size; i++) out[i + 1] = out[i]! + values[order[i]!]!;
    return out;
  };
  const cuts: Float64Array[] = [];
  for (let b = 0; b <= stages.count; b++) {
    const same = stages.uniformLinks && b > 1 && b < stages.count ? cuts[1] : undefined;
    const ms = (i: number): number =>
      cross.messages[i]! * stages.boundaryLatency[b]! + cross.bytes[i]! * stages.boundaryMsPerByte[b]!;
    cuts.push(same ?? Float64Array.from({ length: size + 1 }, (_, i) => ms(i)));
  }
  return {
    work: prefix(instance.work),
    resident: prefix(instance.residentBytes),
    stash: prefix(instance.stashBytes),
    forward: cross.forward,
    cuts,
    ...boundaryWindows(instance, order),
  };
}

/** The first place of a value that is at least `least`; the length when there is none. Requires: ascending values. */
function firstAtLeast(values: Float64Array, least: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! >= least) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Whether the order can be cut with loads ≤ `limit`; `from` takes, per stage and end, where the stage begins.
 *
 * Position j ends stage s if some earlier i ended stage s − 1 with work[j] / speed + cut[j] ≤ limit + (work[i] / speed −
 * cut[i]), and memory allows it: an i that no longer does for one j does not for later ones either, so a heap that drops
 * such i from the top gives the best one left. A boundary has no more work before it than the stages before it can do by
 * the limit, nor more behind it than those behind it can, so only that window of positions is looked at.
 * O(stages · window · log window), without memory limits O(stages · window); a window is nodes at most.
 */
function canReach(
  { stages, size, againMs }: Instance,
  at: Positions,
  limit: number,
  from: Int32Array[] | undefined,
): boolean {
  let now = new Uint8Array(size + 1);
  let next = new Uint8Array(size + 1);
  const offers = new Float64Array(size + 1);
  const room = new Float64Array(size + 1);
  const heap = new PositionHeap(offers);
  now[0] = 1;
  let begin = 0;
  const most = limit * (1 + 1e-9);
  const whole = at.work[size]!;
  let speedBefore = 0;
  let speedAfter = stages.speed.reduce((a, b) => a + b, 0);
  for (let s = 0; s < stages.count; s++) {
    speedBefore += stages.speed[s]!;
    speedAfter -= stages.speed[s]!;
    const doneAfter = s + 1 < stages.count ? speedAfter * most : 0;
    const low = Math.max(at.low[s + 1]!, firstAtLeast(at.work, whole - doneAfter - 1e-9 * whole));
    const high = Math.min(at.high[s + 1]!, firstAtLeast(at.work, speedBefore * most), size);
    next.fill(0);
    heap.clear();
    const speed = stages.speed[s]!;
    const memory = stages.memory[s]!;
    const inFlight = stages.inFlight[s]!;
    /** Where forward passes may run again, all of them do as far as memory goes; what that takes is left out. */
    const stashes = againMs ? stashesKept(inFlight) : inFlight;
    const before = at.cuts[s]!;
    const after = at.cuts[s + 1]!;
    let first = -1;
    for (let j = begin; j <= high; j++) {
      const held = at.resident[j]! + stashes * at.stash[j]!;
      room[j] = memory + at.resident[j]! + stashes * at.stash[j]! - inFlight * at.forward[j]!;
      if (j >= low) {
        while (heap.top() >= 0 && room[heap.top()]! < held) heap.pop();
        const i = heap.top();
        const ends = i >= 0 && at.work[j]! / speed + after[j]! <= limit + offers[i]!;
        const empty = stages.mayBeEmpty && now[j] === 1 && before[j]! + after[j]! <= limit && room[j]! >= held;
        if (ends || empty) {
          next[j] = 1;
          if (first < 0) first = j;
          if (from) from[s]![j] = ends ? i : j;
        }
      }
      if (now[j] === 0) continue;
      offers[j] = at.work[j]! / speed - before[j]!;
      const top = heap.top();
      if (memory < Infinity) heap.push(j);
      else if (top < 0 || offers[j]! > offers[top]!) {
        heap.clear();
        heap.push(j);
      }
    }
    if (first < 0) return false;
    begin = first;
    [now, next] = [next, now];
  }
  return now[size] === 1;
}

/**
 * A slicing of `order` with a bottleneck below `limitMs`, the best one to 2⁻⁴⁰, or undefined when there is none.
 * Source: bisection with a probe, as in Pınar & Aykanat 2004 ("Fast optimal load balancing algorithms for 1D
 * partitioning"), with what is cut in the weights. Loads and memory are those of the relay model, which are never below
 * those of the direct model.
 * O(halvings · stages · nodes · log nodes).
 */
export function sliceRelay(
  instance: Instance,
  order: ArrayLike<number>,
  boundMs: number,
  limitMs: number,
): Candidate | undefined {
  const { size, stages } = instance;
  const at = positionsOf(instance, order);
  if (!canReach(instance, at, limitMs, undefined)) return undefined;
  let feasible = Math.min(limitMs, Math.max(boundMs, 1e-300));
  while (!canReach(instance, at, feasible, undefined)) feasible = Math.min(limitMs, 2 * feasible);
  let short = Math.min(boundMs, feasible);
  for (let i = 0; i < HALVINGS && feasible - short > 1e-12 * feasible; i++) {
    const middle = (feasible + short) / 2;
    if (canReach(instance, at, middle, undefined)) feasible = middle;
    else short = middle;
  }
  if (feasible >= limitMs) return undefined;
  const from = Array.from({ length: stages.count }, () => new Int32Array(size + 1));
  canReach(instance, at, feasible, from);
  const stageOf = new Int32Array(size);
  let end = size;
  for (let s = stages.count; s > 0; s--) {
    const start = from[s - 1]![end]!;
    for (let i = start; i < end; i++) stageOf[order[i]!] = s - 1;
    end = start;
  }
  return { stageOf, bottleneckMs: feasible };
}
