/**
 * @file Cuts until the finished plan keeps the memory of its devices. The partitioner counts parameters and stashes; what
 * a plan holds besides, such as spare slots, gradients between stages and the workspace of its programs, is known only
 * when it is linked. What a device turns out to
 * hold besides is taken off its limit, more of it from round to round, and the model is cut again.
 */
import { PipewrightError } from "../errors.js";
import type { PartitionProblem } from "../partition/problem.js";

/** Cuts that are tried: most that fit at all do after three. */
const ROUNDS = 10;

/** A plan as far as its memory goes: bytes by device. */
export interface Sized {
  readonly heldBytes: readonly number[];
  /** What the partitioner counts of them. */
  readonly countedBytes: readonly number[];
}

/**
 * Requires: `limits`, bytes by device, undefined for no limit; a device for every stage of `problem`; `place`, which
 * cuts and links; `reservedAtFirst`, bytes by device that are taken off the limits (negative: added) from the start.
 * Ensures: no device of the result holds more than its limit; undefined if this way leads to no such result.
 * @throws what `place` throws, but for too little memory.
 */
export async function fitMemory<T extends Sized>(
  problem: PartitionProblem,
  limits: readonly (number | undefined)[],
  place: (problem: PartitionProblem) => Promise<T>,
  reservedAtFirst: readonly number[] = limits.map(() => 0),
): Promise<T | undefined> {
  const reserved = [...reservedAtFirst];
  for (let round = 0; round < ROUNDS; round++) {
    const limited = withLimits(problem, (bytes, device) => Math.max(1, bytes - reserved[device]!));
    const placed = await unlessTooSmall(() => place(limited));
    if (typeof placed === "number") return undefined;
    const over = placed.heldBytes.map((bytes, device) => Math.max(0, bytes - (limits[device] ?? Infinity)));
    if (over.every((bytes) => bytes === 0)) return placed;
    over.forEach((bytes, device) => {
      if (bytes === 0) return;
      const uncounted = placed.heldBytes[device]! - placed.countedBytes[device]!;
      reserved[device] = Math.max(reserved[device]! + bytes, uncounted + round * bytes);
    });
  }
  return undefined;
}

/** Cuts under limits, the same for every device, that are about the smallest the partitioner can keep. @throws what `cut` throws. */
export async function cutTightly<T>(
  problem: PartitionProblem,
  cut: (problem: PartitionProblem) => Promise<T>,
): Promise<T> {
  const smallest = await unlessTooSmall(() => cut(withLimits(problem, () => 1)));
  return typeof smallest === "number" ? cut(withLimits(problem, () => smallest)) : smallest;
}

/** What `place` gives, or the bytes per device that the partitioner asks for. @throws what else `place` throws. */
async function unlessTooSmall<T>(place: () => Promise<T>): Promise<T | number> {
  try {
    return await place();
  } catch (error) {
    const bytes = neededBytes(error);
    if (bytes !== undefined) return bytes;
    throw error;
  }
}

/** The bytes per device that a refusal says would do; undefined if it says none. */
export function neededBytes(error: unknown): number | undefined {
  const bytes = error instanceof PipewrightError ? error.details["smallestMemoryBytes"] : undefined;
  return typeof bytes === "number" ? bytes : undefined;
}

function withLimits(problem: PartitionProblem, limit: (bytes: number, device: number) => number): PartitionProblem {
  const stages = problem.stages.map((stage) =>
    stage.memoryBytes === undefined ? stage : { ...stage, memoryBytes: limit(stage.memoryBytes, stage.device!) },
  );
  return { ...problem, stages };
}
