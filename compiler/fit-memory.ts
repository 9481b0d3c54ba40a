/**
 * @file Cuts until the finished plan keeps the memory of its devices. The partitioner counts parameters and stashes; what
 * a plan holds besides, such as spare slots, gradients between stages and the workspace of its programs, is known only
 * when it is linked. What a stage turns out to hold too much is taken off its limit, and the model is cut again.
 */
import { PipewrightError } from "./errors.js";
import type { PartitionProblem } from "./partition/problem.js";

/** Cuts that are tried: each takes off more, and few stages need a third. */
const ROUNDS = 8;

/** A plan as far as its memory goes. */
export interface Sized {
  readonly stages: readonly { readonly device: number; readonly peakBytes: number }[];
}

/**
 * Requires: `limits`, bytes by device, undefined for no limit; `problem` with each device's limit shared out to its
 * stages; `place`, which cuts and links.
 * Ensures: no device of the result holds more than its limit.
 * @throws PLAN_INFEASIBLE with bytes that would do; what `place` throws.
 */
export async function fitMemory<T extends Sized>(
  problem: PartitionProblem,
  limits: readonly (number | undefined)[],
  place: (problem: PartitionProblem) => Promise<T>,
): Promise<T> {
  const isFitting = (placed: T): boolean =>
    heldBytes(placed, limits.length).every((bytes, device) => bytes <= (limits[device] ?? Infinity));
  const reserved = new Array<number>(problem.stages.length).fill(0);
  for (let round = 0; round < ROUNDS; round++) {
    const limited = withLimits(problem, (bytes, stage) => Math.max(1, bytes - reserved[stage]!));
    const placed = await unlessTooSmall(() => place(limited));
    if (typeof placed === "number") break;
    if (isFitting(placed)) return placed;
    const held = heldBytes(placed, limits.length);
    for (const [stage, { device, peakBytes }] of placed.stages.entries()) {
      if (held[device]! <= (limits[device] ?? Infinity)) continue;
      reserved[stage]! += Math.max(0, peakBytes - problem.stages[stage]!.memoryBytes!);
    }
  }
  const tightest = await placeTightly(problem, place);
  if (isFitting(tightest)) return tightest;
  const held = heldBytes(tightest, limits.length).filter((_, device) => limits[device] !== undefined);
  throw infeasible(limits, Math.max(...held));
}

/** The plan under the smallest limits, the same for every stage, that the partitioner can keep. */
async function placeTightly<T>(
  problem: PartitionProblem,
  place: (problem: PartitionProblem) => Promise<T>,
): Promise<T> {
  const smallest = await unlessTooSmall(() => place(withLimits(problem, () => 1)));
  if (typeof smallest !== "number") return smallest;
  return place(withLimits(problem, () => smallest));
}

/** What `place` gives, or the bytes per stage that the partitioner asks for. @throws what else `place` throws. */
async function unlessTooSmall<T>(place: () => Promise<T>): Promise<T | number> {
  try {
    return await place();
  } catch (error) {
    const bytes = error instanceof PipewrightError ? error.details["smallestMemoryBytes"] : undefined;
    if (typeof bytes === "number") return bytes;
    throw error;
  }
}

function withLimits(problem: PartitionProblem, limit: (bytes: number, stage: number) => number): PartitionProblem {
  const stages = problem.stages.map((stage, index) =>
    stage.memoryBytes === undefined ? stage : { ...stage, memoryBytes: limit(stage.memoryBytes, index) },
  );
  return { ...problem, stages };
}

/** Bytes by device. */
function heldBytes({ stages }: Sized, devices: number): readonly number[] {
  const held = new Array<number>(devices).fill(0);
  for (const { device, peakBytes } of stages) held[device]! += peakBytes;
  return held;
}

function infeasible(limits: readonly (number | undefined)[], neededBytes: number): PipewrightError {
  const memoryBytes = Math.min(...limits.map((bytes) => bytes ?? Infinity));
  return new PipewrightError(
    "PLAN_INFEASIBLE",
    `partition: no plan was found that fits into memory; got a limit of ${memoryBytes} bytes on a device, ` +
      `expected ${neededBytes} or more. Give more memory, more devices or fewer microbatches in flight.`,
    { memoryBytes, smallestMemoryBytes: neededBytes },
  );
}
