/** @file The cuts next to a cut: blocks given to the stage before or behind theirs. For descents, whatever these go by. */
import { violations } from "../partition/evaluate.js";
import type { PartitionProblem } from "../partition/problem.js";
import { withoutLimits } from "./fit-memory.js";

/** Cuts that so many blocks, moved at once, lead to; 0: two blocks, one after the other. Made as they are asked for. */
export function* neighbours(
  problem: PartitionProblem,
  now: readonly number[],
  step: number,
): Generator<readonly number[]> {
  if (step > 0) yield* step > 1 ? several(problem, now, step) : single(problem, now);
  else for (const next of single(problem, now)) yield* single(problem, next);
}

/** Blocks that descents move at once at first: about half of a stage. */
export function halfStage({ graph, stages }: PartitionProblem): number {
  return Math.ceil(graph.blocks.length / (2 * stages.length));
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

/** Blocks that may go to the next stage because nothing of their own stage follows them, and likewise backwards. */
export function endMoves(
  { graph, stages }: PartitionProblem,
  stageOf: readonly number[],
): readonly (readonly [block: number, stage: number])[] {
  const feedsOwn = new Uint8Array(stageOf.length);
  const isFedByOwn = new Uint8Array(stageOf.length);
  for (const { producer, consumers, ordered } of graph.nets) {
    if (ordered === false) continue;
    for (const reader of consumers) {
      if (stageOf[reader] !== stageOf[producer]) continue;
      feedsOwn[producer] = 1;
      isFedByOwn[reader] = 1;
    }
  }
  return graph.blocks.flatMap(({ index }) => {
    const stage = stageOf[index]!;
    const moves: (readonly [number, number])[] = [];
    if (!feedsOwn[index] && stage + 1 < stages.length) moves.push([index, stage + 1]);
    if (!isFedByOwn[index] && stage > 0) moves.push([index, stage - 1]);
    return moves;
  });
}
