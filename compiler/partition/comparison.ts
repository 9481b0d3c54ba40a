/** @file How other tools cut, rebuilt from their descriptions, to compare loads under one cost model. None proves anything. */
import { closureOf } from "./closure.js";
import { instanceOf } from "./instance.js";
import type { Instance } from "./instance.js";
import { candidateOrders } from "./orders.js";
import type { PartitionProblem } from "./problem.js";
import { crossings } from "./slicing.js";

/** Ends of the pieces of a sequence, the last being its length. */
type Ends = readonly number[];

/** Cost of the piece of a sequence from `begin` up to, not including, `end`. */
type PieceCost = (begin: number, end: number) => number;

/**
 * The cut of a sequence into exactly `pieces` non-empty pieces with the smallest largest cost.
 * Requires: 1 ≤ pieces ≤ size; costs that do not shrink as a piece grows. O(size · pieces · log size).
 */
function cutSequence(size: number, pieces: number, cost: PieceCost): Ends {
  let best = Float64Array.from({ length: size + 1 }, (_, end) => (end === 0 ? 0 : cost(0, end)));
  const from: Int32Array[] = [new Int32Array(size + 1)];
  for (let piece = 1; piece < pieces; piece++) {
    const next = new Float64Array(size + 1).fill(Infinity);
    const back = new Int32Array(size + 1);
    for (let end = piece + 1; end <= size; end++) {
      let low = piece;
      let high = end - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (best[middle]! >= cost(middle, end)) high = middle;
        else low = middle + 1;
      }
      for (const begin of [low, low - 1]) {
        if (begin < piece) continue;
        const value = Math.max(best[begin]!, cost(begin, end));
        if (value >= next[end]!) continue;
        next[end] = value;
        back[end] = begin;
      }
    }
    best = next;
    from.push(back);
  }
  const ends = [size];
  for (let piece = pieces - 1; piece > 0; piece--) ends.unshift(from[piece]![ends[0]!]!);
  return ends;
}

function assigned(order: Int32Array, ends: Ends): Int32Array {
  const stageOf = new Int32Array(order.length);
  let begin = 0;
  ends.forEach((end, s) => {
    for (let at = begin; at < end; at++) stageOf[order[at]!] = s;
    begin = end;
  });
  return stageOf;
}

function sums(order: Int32Array, values: ArrayLike<number>): Float64Array {
  const out = new Float64Array(order.length + 1);
  order.forEach((v, at) => (out[at + 1] = out[at]! + values[v]!));
  return out;
}

function modelOrder(problem: PartitionProblem): { instance: Instance; order: Int32Array } {
  const instance = instanceOf(problem);
  return { instance, order: candidateOrders(instance, closureOf(instance))[0]! };
}

/** torchgpipe's balance_by_time: the sequence of layers, evenly by time; what crosses is not looked at. */
export function likeTorchGpipe(problem: PartitionProblem): Int32Array {
  const { instance, order } = modelOrder(problem);
  const work = sums(order, instance.work);
  return assigned(
    order,
    cutSequence(order.length, pieces(problem), (begin, end) => work[end]! - work[begin]!),
  );
}

/**
 * PipeDream's optimizer for a straight pipeline: time of a stage is the larger of compute and of the tensors in and out,
 * which it takes to overlap (Narayanan et al. 2019, section 3.1). Over one topological order in place of its antichains.
 */
export function likePipeDream(problem: PartitionProblem): Int32Array {
  const { instance, order } = modelOrder(problem);
  const work = sums(order, instance.work);
  const { messages, bytes } = crossings(instance, order);
  const { latency, msPerByte } = instance.stages;
  const cut = (at: number): number => messages[at]! * latency[0]! + bytes[at]! * msPerByte[0]!;
  const k = pieces(problem);
  const size = order.length;
  let best = Float64Array.from({ length: size + 1 }, (_, end) =>
    end === 0 ? Infinity : Math.max(work[end]!, cut(end)),
  );
  const from: Int32Array[] = [];
  for (let s = 1; s < k; s++) {
    const next = new Float64Array(size + 1).fill(Infinity);
    const back = new Int32Array(size + 1);
    for (let end = s + 1; end <= size; end++)
      for (let begin = end - 1; begin >= s && work[end]! - work[begin]! < next[end]!; begin--) {
        const value = Math.max(best[begin]!, work[end]! - work[begin]!, cut(begin), cut(end));
        if (value >= next[end]!) continue;
        next[end] = value;
        back[end] = begin;
      }
    best = next;
    from.push(back);
  }
  const ends = [size];
  for (let s = k - 2; s >= 0; s--) ends.unshift(from[s]![ends[0]!]!);
  return assigned(order, ends);
}

/**
 * SageMaker's PyTorch partitioner (arXiv 2111.05972, algorithms 1 to 3) on a flat list of modules: cost mixes memory
 * and time, both normalised; the list is cut into as many segments as there are devices, devices go to segments by
 * D'Hondt's rule, and segments with several devices are cut again. A segment without a device joins the one before it,
 * where the original sends it to the parent's first device, since our stages must follow the data flow.
 */
export function likeSageMaker(problem: PartitionProblem, memoryWeight: number): Int32Array {
  const { instance, order } = modelOrder(problem);
  const total = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) || 1;
  const memory = total(instance.residentBytes);
  const time = total(instance.work);
  const cost = sums(
    order,
    instance.work.map(
      (ms, v) => (memoryWeight * instance.residentBytes[v]!) / memory + ((1 - memoryWeight) * ms) / time,
    ),
  );
  const deviceAt = new Int32Array(order.length);
  const place = (begin: number, end: number, devices: readonly number[]): void => {
    if (devices.length === 1 || end - begin === 1) {
      deviceAt.fill(devices[0]!, begin, end);
      return;
    }
    const count = Math.min(devices.length, end - begin);
    const ends = cutSequence(end - begin, count, (a, b) => cost[begin + b]! - cost[begin + a]!).map((e) => begin + e);
    const costs = ends.map((e, i) => cost[e]! - cost[ends[i - 1] ?? begin]!);
    const seats = seatsByDHondt(costs, devices.length);
    let next = 0;
    ends.forEach((segmentEnd, i) => {
      const own = devices.slice(next, next + seats[i]!);
      next += seats[i]!;
      place(ends[i - 1] ?? begin, segmentEnd, own.length > 0 ? own : [devices[Math.max(0, next - 1)]!]);
    });
  };
  place(
    0,
    order.length,
    problem.stages.map((_, s) => s),
  );
  const stageOf = new Int32Array(order.length);
  order.forEach((v, at) => (stageOf[v] = deviceAt[at]!));
  return stageOf;
}

/** Seats one by one to the largest cost / (seats + 1); ties to the first. */
export function seatsByDHondt(costs: readonly number[], seats: number): number[] {
  const given = costs.map(() => 0);
  for (let seat = 0; seat < seats; seat++) {
    const quotient = (i: number): number => costs[i]! / (given[i]! + 1);
    const winner = costs.reduce((best, _, i) => (quotient(i) > quotient(best) ? i : best), 0);
    given[winner]!++;
  }
  return given;
}

function pieces({ graph, stages }: PartitionProblem): number {
  return Math.min(stages.length, graph.blocks.length);
}
