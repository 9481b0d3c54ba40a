/** @file Slicing: the best partition whose stages are consecutive pieces of one topological order. An upper bound. */
import type { Instance } from "./instance.js";
import { stashesSaved } from "./recompute-choice.js";

/** An assignment of nodes to stages and its largest load, as the solver counted it. */
export interface Candidate {
  readonly stageOf: Int32Array;
  readonly bottleneckMs: number;
}

/** For each boundary between stages: the positions of an order that respect every node's first and last stage. */
export function boundaryWindows(
  { first, last, stages, size }: Instance,
  order: ArrayLike<number>,
): { low: Int32Array; high: Int32Array } {
  const low = new Int32Array(stages.count + 1);
  const high = new Int32Array(stages.count + 1).fill(size);
  for (let at = 0; at < size; at++) {
    const v = order[at]!;
    for (let b = last[v]! + 1; b <= stages.count; b++) low[b] = at + 1;
    for (let b = 0; b <= first[v]!; b++) high[b] = Math.min(high[b]!, at);
  }
  return { low, high };
}

/** Stage s for the nodes of the piece of `order` that ends at position `ends[s]`, behind the pieces before it. */
export function assigned(order: ArrayLike<number>, ends: ArrayLike<number>): Int32Array {
  const stageOf = new Int32Array(order.length);
  for (let s = 0, at = 0; s < ends.length; s++) for (; at < ends[s]!; at++) stageOf[order[at]!] = s;
  return stageOf;
}

/** Messages and bytes of the nets that cross each position of an order. */
export function crossings(
  { size, nets }: Instance,
  order: ArrayLike<number>,
): { messages: Float64Array; bytes: Float64Array; forward: Float64Array } {
  const place = new Int32Array(size);
  for (let at = 0; at < size; at++) place[order[at]!] = at;
  const messages = new Float64Array(size + 2);
  const bytes = new Float64Array(size + 2);
  const forward = new Float64Array(size + 2);
  for (let e = 0; e < nets.count; e++) {
    let low = size;
    let high = -1;
    for (let i = nets.pins.start[e]!; i < nets.pins.start[e + 1]!; i++) {
      const at = place[nets.pins.entries[i]!]!;
      if (at < low) low = at;
      if (at > high) high = at;
    }
    messages[low + 1]! += nets.messages[e]!;
    messages[high + 1]! -= nets.messages[e]!;
    bytes[low + 1]! += nets.bytes[e]!;
    bytes[high + 1]! -= nets.bytes[e]!;
    forward[low + 1]! += nets.forwardBytes[e]!;
    forward[high + 1]! -= nets.forwardBytes[e]!;
  }
  for (let at = 1; at <= size; at++) {
    messages[at]! += messages[at - 1]!;
    bytes[at]! += bytes[at - 1]!;
    forward[at]! += forward[at - 1]!;
  }
  messages[size] = bytes[size] = forward[size] = 0;
  return { messages, bytes, forward };
}

/**
 * Milliseconds at speed 1 that a stage with this much too many bytes pays for running forward passes again, all in the
 * same proportion; Infinity when that does not save enough.
 */
export function againFor(overBytes: number, inFlight: number, stashBytes: number, againMs: number | undefined): number {
  if (overBytes <= 0) return 0;
  const savable = stashesSaved(inFlight) * stashBytes;
  return againMs === undefined || overBytes > savable ? Infinity : (againMs * overBytes) / savable;
}

/**
 * The best slicing of `order` with a bottleneck below `limitMs`, or undefined when there is none. Both communication
 * models, memory, pins, unlike speeds and links.
 *
 * A dynamic programme over (stages used, position); pieces are grown node by node and given up once their work alone
 * is over the limit. O(Σ piece length · (pins per node + stages that can hold the piece)).
 * Source: SliceGraph in "Practical Performance Guarantees for Pipelined DNN Inference" (ICML 2024), section 4.
 */
export function slice(instance: Instance, order: ArrayLike<number>, limitMs: number): Candidate | undefined {
  const { size, stages, nets, relay, work } = instance;
  const k = stages.count;
  const row = size + 1;
  const best = new Float64Array((k + 1) * row).fill(Infinity);
  const from = new Int32Array((k + 1) * row).fill(-1);
  best[0] = 0;
  const { low, high } = boundaryWindows(instance, order);
  const cross = crossings(instance, order);
  const seenAt = new Int32Array(nets.count).fill(-1);
  const seen = new Int32Array(nets.count);
  const speedAfter = new Float64Array(k + 1);
  for (let s = k - 1; s >= 0; s--) speedAfter[s] = speedAfter[s + 1]! + stages.speed[s]!;
  const active = new Int32Array(k);
  let limit = limitMs;
  let done = 0;

  for (let i = 0; i <= size; i++) {
    let count = 0;
    for (let s = 0; s < k; s++) {
      const here = s * row + i;
      if (best[here]! >= limit) continue;
      if (stages.mayBeEmpty && i >= low[s + 1]! && i <= high[s + 1]!) {
        let pass = best[here]!;
        if (relay) {
          const sides =
            cross.messages[i]! * (stages.boundaryLatency[s]! + stages.boundaryLatency[s + 1]!) +
            cross.bytes[i]! * (stages.boundaryMsPerByte[s]! + stages.boundaryMsPerByte[s + 1]!);
          pass = Math.max(pass, sides);
        }
        if (
          pass < limit &&
          pass < best[here + row]! &&
          stages.inFlight[s]! * (relay ? cross.forward[i]! : 0) <= stages.memory[s]!
        ) {
          best[here + row] = pass;
          from[here + row] = i;
        }
      }
      if (i < size && instance.totalWork - done <= speedAfter[s]! * limit * (1 + 1e-9)) active[count++] = s;
    }
    if (best[k * row + size]! < limit) limit = best[k * row + size]!;
    if (i === size) break;
    done += work[order[i]!]!;
    let pieceWork = 0;
    let resident = 0;
    let stash = 0;
    let again = instance.againMs && 0;
    let received = relay ? cross.forward[i]! : 0;
    let messages = 0;
    let bytes = 0;
    for (let j = i; j < size && count > 0; j++) {
      const v = order[j]!;
      pieceWork += work[v]!;
      resident += instance.residentBytes[v]!;
      stash += instance.stashBytes[v]!;
      if (again !== undefined) again += instance.againMs![v]!;
      if (!relay)
        for (let q = nets.of.start[v]!; q < nets.of.start[v + 1]!; q++) {
          const e = nets.of.entries[q]!;
          const begin = nets.pins.start[e]!;
          if (seenAt[e] !== i) {
            seenAt[e] = i;
            seen[e] = 0;
            messages += nets.messages[e]!;
            bytes += nets.bytes[e]!;
            if (nets.pins.entries[begin] !== v) received += nets.forwardBytes[e]!;
          }
          if (++seen[e]! === nets.pins.start[e + 1]! - begin) {
            messages -= nets.messages[e]!;
            bytes -= nets.bytes[e]!;
          }
        }
      const end = j + 1;
      let kept = 0;
      for (let a = 0; a < count; a++) {
        const s = active[a]!;
        const over = resident + stages.inFlight[s]! * (stash + received) - stages.memory[s]!;
        const compute = (pieceWork + againFor(over, stages.inFlight[s]!, stash, again)) / stages.speed[s]!;
        if (compute >= limit || end > high[s + 1]!) continue;
        active[kept++] = s;
        if (end < low[s + 1]!) continue;
        const load = relay
          ? compute +
            cross.messages[i]! * stages.boundaryLatency[s]! +
            cross.bytes[i]! * stages.boundaryMsPerByte[s]! +
            cross.messages[end]! * stages.boundaryLatency[s + 1]! +
            cross.bytes[end]! * stages.boundaryMsPerByte[s + 1]!
          : compute + messages * stages.latency[s]! + bytes * stages.msPerByte[s]!;
        const value = Math.max(best[s * row + i]!, load);
        const there = (s + 1) * row + end;
        if (value < limit && value < best[there]!) {
          best[there] = value;
          from[there] = i;
          if (s === k - 1 && end === size) limit = value;
        }
      }
      count = kept;
    }
  }
  const bottleneckMs = best[k * row + size]!;
  if (bottleneckMs >= limitMs) return undefined;
  const stageOf = new Int32Array(size);
  let end = size;
  for (let s = k; s > 0; s--) {
    const begin = from[s * row + end]!;
    for (let at = begin; at < end; at++) stageOf[order[at]!] = s - 1;
    end = begin;
  }
  return { stageOf, bottleneckMs };
}
