/** @file The cuts next to a cut: blocks given to the stage before or behind theirs. For descents, whatever these go by. */
import { violations } from "../partition/evaluate.js";
import type { PartitionProblem } from "../partition/problem.js";
import { withoutLimits } from "./fit-memory.js";
import { endMoves } from "./polish.js";

/** Cuts that so many blocks, moved at once, lead to; 0: two blocks, one after the other. */
export function neighbours(
  problem: PartitionProblem,
  now: readonly number[],
  step: number,
): readonly (readonly number[])[] {
  if (step > 1) return several(problem, now, step);
  const ones = single(problem, now);
  return step === 1 ? ones : ones.flatMap((next) => single(problem, next));
}

/** But for memory, which depends on what runs again. */
export function isValid(problem: PartitionProblem, stageOf: readonly number[]): boolean {
  return violations(withoutLimits({ ...problem, recompute: [] }), stageOf).length === 0;
}

/** Cuts in which a stage gives its first or last blocks to the stage before or behind it. */
export function several({ stages }: PartitionProblem, stageOf: readonly number[], count: number): number[][] {
  return stages.flatMap((_, stage): number[][] => {
    const blocks = stageOf.flatMap((at, block) => (at === stage ? [block] : []));
    if (blocks.length <= count) return [];
    return [
      ...(stage > 0 ? [moved(stageOf, blocks.slice(0, count), stage - 1)] : []),
      ...(stage + 1 < stages.length ? [moved(stageOf, blocks.slice(-count), stage + 1)] : []),
    ];
  });
}

/** Cuts in which a stage gives one block that may go to the stage before or behind it. */
export function single(problem: PartitionProblem, stageOf: readonly number[]): number[][] {
  return endMoves(problem, stageOf).map(([block, to]) => moved(stageOf, [block], to));
}

function moved(stageOf: readonly number[], blocks: readonly number[], to: number): number[] {
  const next = [...stageOf];
  for (const block of blocks) next[block] = to;
  return next;
}
