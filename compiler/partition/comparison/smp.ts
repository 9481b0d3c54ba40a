/** @file How SageMaker's model-parallel library cuts. */
import type { PartitionProblem } from "../problem.js";
import { cutSequence, modelOrder, sums } from "./sequence.js";

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
