/** @file Lower bounds that hold in both communication models and cost next to nothing. */
import type { Instance, StageTable } from "./instance.js";

/**
 * The larger of: all work spread evenly over the speeds of the devices; each node alone on the fastest stage it may take.
 * O(nodes · stages).
 */
export function workBound({ work, totalWork, stages, first, last }: Instance): number {
  let bound = totalWork / totalSpeed(stages);
  for (let v = 0; v < work.length; v++) {
    let fastest = 0;
    for (let s = first[v]!; s <= last[v]!; s++) fastest = Math.max(fastest, stages.speed[s]!);
    bound = Math.max(bound, work[v]! / fastest);
  }
  return bound;
}

/** Sum of the devices' speeds; a device is as fast as its fastest stage. */
export function totalSpeed({ speed, device, devices }: StageTable): number {
  const fastest = new Float64Array(devices);
  speed.forEach((own, s) => (fastest[device[s]!] = Math.max(fastest[device[s]!]!, own)));
  return fastest.reduce((a, b) => a + b, 0);
}
