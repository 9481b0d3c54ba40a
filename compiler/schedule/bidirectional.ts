/**
 * @file The row of a device that two streams of microbatches cross, one near its start here and one far along: the
 * eight steps of DeepSeek's DualPipe, which DualPipeV shares. Source: deepseek-ai/DualPipe, dualpipe.py.
 */
import type { Action } from "./action.js";
import { RowBuilder } from "./row-builder.js";

/** Where a device stands between the two streams. */
export interface Crossing {
  /** Stage of the stream that starts on this side of the turn. */
  readonly near: number;
  /** Stage of the other stream, or of the way back. */
  readonly far: number;
  /** Devices between this one and the start of the near stream. */
  readonly distance: number;
  /** Devices on this side of the turn. */
  readonly turn: number;
  /** Pairs of overlapped pairs in the middle. */
  readonly steady: number;
  /** First microbatch of the stream that a stage belongs to. */
  readonly first: (stage: number) => number;
}

/** Requires: steady ≥ 1. Ensures: F, I and W or B of every microbatch of both stages once. */
export function bidirectionalRow({ near, far, distance, turn, steady, first }: Crossing): {
  row: Action[];
  pairs: number[];
} {
  const build = new RowBuilder(first);
  const beforeTurn = turn - distance - 1;
  const postponed: Action[] = [];
  const inputGrad = (stage: number) => {
    build.push(stage, "I");
    postponed.push({ ...build.row.at(-1)!, phase: "W" });
  };
  const weightGrad = () => build.append(postponed.shift()!);
  const times = (count: number, block: (k: number) => void) => {
    for (let k = 0; k < count; k++) block(k);
  };

  times(2 * beforeTurn, () => build.push(near, "F"));
  times(distance + 1, () => {
    build.push(near, "F");
    build.push(far, "F");
  });
  times(beforeTurn, () => {
    inputGrad(far);
    weightGrad();
    build.push(far, "F");
  });
  times(steady, (k) => {
    if (k === 0 && beforeTurn === 0) {
      build.push(near, "F");
      build.push(far, "B");
    } else build.pushPair(near, far);
    build.pushPair(far, near);
  });
  times(beforeTurn, () => {
    build.push(far, "B");
    build.pushPair(far, near);
  });
  const split = 2 * Math.floor((distance + 1) / 2) + (distance % 2 === 0 ? 1 : 0);
  times(2 * (distance + 1), (k) => {
    const stage = k % 2 === 0 ? far : near;
    if (k >= split) inputGrad(stage);
    else build.push(stage, "B");
  });
  times(beforeTurn, () => {
    weightGrad();
    inputGrad(near);
  });
  times(distance + 1, weightGrad);
  return { row: build.row, pairs: build.pairs };
}
