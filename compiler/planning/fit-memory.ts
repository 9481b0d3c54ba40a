/**
 * @file Cuts until the finished plan keeps the memory of its devices. The partitioner counts parameters and stashes; what
 * a plan holds besides, such as spare slots, gradients between stages and the workspace of its programs, is known only
 * when it is linked. That is taken off the limits, more of it from round to round, and the model is cut again.
 */
import { PipewrightError } from "../errors.js";
import type { PartitionProblem } from "../partition/problem.js";
import type { Schedule } from "../schedule/action.js";
import { stagesPerReplica } from "../schedule/action.js";

/** Cuts that are tried. */
const ROUNDS = 10;

/** A plan as far as its memory goes: bytes by device. */
export interface Sized {
  readonly heldBytes: readonly number[];
  /** What the partitioner counts of them. */
  readonly countedBytes: readonly number[];
}

/** Whose memory a problem is to fit into. */
export interface MemoryFit {
  /** Bytes by device; undefined for no limit. */
  readonly limits: readonly (number | undefined)[];
  /** By stage: the device of each copy of the model that holds it. */
  readonly holders: readonly (readonly number[])[];
  /** Bytes by device that are taken off the limits (negative: added) from the start. Default: none. */
  readonly reserved?: readonly number[];
}

/**
 * Requires: a device for every stage of `problem`; `place`, which cuts and links.
 * Ensures: no device of the result holds more than its limit; undefined if this way leads to no such result.
 * @throws what `place` throws, but for too little memory.
 */
export async function fitMemory<T extends Sized>(
  problem: PartitionProblem,
  { limits, holders, reserved: first = limits.map(() => 0) }: MemoryFit,
  place: (problem: PartitionProblem) => Promise<T>,
): Promise<T | undefined> {
  const reserved = [...first];
  for (let round = 0; round < ROUNDS; round++) {
    const limited = lessReserved(problem, holders, reserved);
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

/** Whether no device holds more than its limit; undefined for none. */
export function keepsLimits(heldBytes: readonly number[], limits: readonly (number | undefined)[]): boolean {
  return heldBytes.every((bytes, device) => bytes <= (limits[device] ?? Infinity));
}

/** By stage of one copy of the model: the device of each copy. */
export function holdersOf(schedule: Schedule): readonly (readonly number[])[] {
  const parts = stagesPerReplica(schedule);
  return Array.from({ length: parts }, (_, stage) =>
    Array.from({ length: schedule.replicas ?? 1 }, (_copy, copy) => schedule.placement[stage + copy * parts]!),
  );
}

/** The problem with less memory: each copy of the model bears its part of what is reserved on its device. */
export function lessReserved(
  problem: PartitionProblem,
  holders: readonly (readonly number[])[],
  reserved: readonly number[],
): PartitionProblem {
  return withLimits(problem, (bytes, stage) => {
    const own = holders[stage]!;
    return Math.max(1, Math.floor(bytes - Math.max(...own.map((device) => reserved[device]!)) / own.length));
  });
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

function withLimits(problem: PartitionProblem, limit: (bytes: number, stage: number) => number): PartitionProblem {
  const stages = problem.stages.map((stage, at) =>
    stage.memoryBytes === undefined ? stage : { ...stage, memoryBytes: limit(stage.memoryBytes, at) },
  );
  return { ...problem, stages };
}

/** Whether any device has a limit. */
export function isLimited({ stages }: PartitionProblem): boolean {
  return stages.some(({ memoryBytes }) => memoryBytes !== undefined);
}

/** The problem for devices of any size. */
export function withoutLimits(problem: PartitionProblem): PartitionProblem {
  const stages = problem.stages.map((stage) => {
    const free = { ...stage };
    delete free.memoryBytes;
    return free;
  });
  return { ...problem, stages };
}
