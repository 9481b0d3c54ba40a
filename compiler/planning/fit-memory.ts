/**
 * @file Cuts until the finished plan keeps the memory of its devices. The partitioner counts parameters and stashes; what
 * a plan holds besides, such as spare slots, gradients between stages and the workspace of its programs, is known only
 * when it is linked. What a device turns out to hold too much is taken off its limit, and the model is cut again.
 */
import { PipewrightError } from "../errors.js";
import type { PartitionProblem } from "../partition/problem.js";

/** Cuts that are tried: each takes off more, and few devices need a third. */
const ROUNDS = 8;

/** A plan as far as its memory goes: bytes by device. */
export interface Sized {
  readonly heldBytes: readonly number[];
}

/**
 * Requires: `limits`, bytes by device, undefined for no limit; a device for every stage of `problem`; `place`, which
 * cuts and links.
 * Ensures: no device of the result holds more than its limit.
 * @throws PLAN_INFEASIBLE with bytes that would do; what `place` throws.
 */
export async function fitMemory<T extends Sized>(
  problem: PartitionProblem,
  limits: readonly (number | undefined)[],
  place: (problem: PartitionProblem) => Promise<T>,
): Promise<T> {
  const overBytes = ({ heldBytes }: T): readonly number[] =>
    heldBytes.map((bytes, device) => Math.max(0, bytes - (limits[device] ?? Infinity)));
  const reserved = limits.map(() => 0);
  for (let round = 0; round < ROUNDS; round++) {
    const limited = withLimits(problem, (bytes, device) => Math.max(1, bytes - reserved[device]!));
    const placed = await unlessTooSmall(() => place(limited));
    if (typeof placed === "number") break;
    const over = overBytes(placed);
    if (over.every((bytes) => bytes === 0)) return placed;
    over.forEach((bytes, device) => (reserved[device]! += bytes));
  }
  const tightest = await placeTightly(problem, place);
  if (overBytes(tightest).every((bytes) => bytes === 0)) return tightest;
  const held = tightest.heldBytes.filter((_, device) => limits[device] !== undefined);
  throw infeasible(problem, limits, Math.max(...held));
}

/** The plan that holds least under the smallest limits, with forward passes that run again if they may, and without. */
async function placeTightly<T extends Sized>(
  problem: PartitionProblem,
  place: (problem: PartitionProblem) => Promise<T>,
): Promise<T> {
  const { recompute, ...without } = problem;
  const tight = await placeTight(problem, place);
  if (recompute !== "auto") return tight;
  const other = await placeTight(without, place);
  return Math.max(...other.heldBytes) < Math.max(...tight.heldBytes) ? other : tight;
}

/** The plan under the smallest limits, the same for every device, that the partitioner can keep. */
async function placeTight<T>(problem: PartitionProblem, place: (problem: PartitionProblem) => Promise<T>): Promise<T> {
  const smallest = await unlessTooSmall(() => place(withLimits(problem, () => 1)));
  if (typeof smallest !== "number") return smallest;
  return place(withLimits(problem, () => smallest));
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

function infeasible(
  { recompute }: PartitionProblem,
  limits: readonly (number | undefined)[],
  neededBytes: number,
): PipewrightError {
  const memoryBytes = Math.min(...limits.map((bytes) => bytes ?? Infinity));
  return new PipewrightError(
    "PLAN_INFEASIBLE",
    `partition: no plan was found that fits into memory; got a limit of ${memoryBytes} bytes on a device, ` +
      `expected ${neededBytes} or more. Give more memory, more devices or fewer microbatches in flight` +
      `${recompute === undefined ? ", or allow --recompute auto" : ""}.`,
    { memoryBytes, smallestMemoryBytes: neededBytes },
  );
}
