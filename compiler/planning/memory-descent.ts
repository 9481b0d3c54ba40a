/**
 * @file Moves the boundaries of stages downhill on the memory that linked plans hold. What the partitioner counts is so
 * far from that where forward passes run again that its own cuts are not the ones that hold least.
 */
import { violations } from "../partition/evaluate.js";
import type { PartitionProblem } from "../partition/problem.js";
import { withoutLimits } from "./fit-memory.js";
import { several, single } from "./moves.js";

/** Devices count by this power of what they hold, so that the fullest one matters most and the others not nothing. */
const NORM = 8;

export interface MemoryDescentOptions {
  /** By device: its part of the limit; Infinity for no limit. */
  readonly shares: readonly number[];
  /** By device, of the plan of a cut. */
  readonly heldBytes: (stageOf: readonly number[]) => readonly number[];
  /** Cuts whose plans are asked for at most. */
  readonly most: number;
  /** Asked for every plan; true ends the descent. */
  readonly isEnough: () => Promise<boolean>;
}

/**
 * Stages give blocks to their neighbours, half of a stage at first, at last any single one that may go, as long as that
 * evens out how much of their limits the devices hold.
 * Requires: a device for every stage; `start` is a valid partition but for memory. Ensures: so is every cut that is asked for.
 */
export async function descendMemory(
  problem: PartitionProblem,
  start: readonly number[],
  { shares, heldBytes, most, isEnough }: MemoryDescentOptions,
): Promise<readonly number[]> {
  const free = withoutLimits(problem);
  const first = heldBytes(start);
  const fullest = Math.max(...first.map((bytes, device) => bytes / shares[device]!));
  const unevenness = (held: readonly number[]): number =>
    held.reduce((sum, bytes, device) => sum + (bytes / shares[device]! / fullest) ** NORM, 0);
  const known = new Set([start.join()]);
  let now = start;
  let least = unevenness(first);
  for (let step = Math.ceil(start.length / (2 * problem.stages.length)); step >= 1;) {
    let isBetter = false;
    for (const next of step === 1 ? single(problem, now) : several(problem, now, step)) {
      if (known.has(next.join()) || violations(free, next).length > 0) continue;
      if (known.size >= most || (await isEnough())) return now;
      known.add(next.join());
      const there = unevenness(heldBytes(next));
      if (there >= least) continue;
      [now, least, isBetter] = [next, there, true];
      break;
    }
    if (!isBetter) step = Math.floor(step / 2);
  }
  return now;
}
