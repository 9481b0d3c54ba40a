/** @file Where training samples come from: one interface for files and for random numbers. */
import type { DType, Shape } from "../../compiler/ir/graph.js";

/** Tensors of one microbatch by input name: dense, row-major, in the machine's byte order. */
export type Feeds = ReadonlyMap<string, Uint8Array>;

/** What the plan asks of a tensor. `shape` is that of one microbatch; `batchAxis` undefined: all microbatches share it. */
export interface FeedSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly batchAxis?: number;
  /** Integers lie below it: classes of a loss, rows of a table. */
  readonly below?: number;
}

/**
 * Samples in a fixed order. `feeds` depends on the arguments, the seed and the files only, in any order of calls, so
 * that a run can resume at any step. Steps and microbatches count from 0.
 */
export interface Dataset {
  /** Samples per epoch. Undefined: endless. */
  readonly samples: number | undefined;
  /** What decides the samples, for checkpoints. Left out: the maker did not say. */
  readonly identity?: {
    readonly source: string;
    readonly seed: number;
    readonly shuffle: boolean;
    readonly samples: number | null;
  };
  /** One sentence for the run's head line. */
  readonly about: string;
  feeds(step: number, microbatch: number): Promise<Feeds>;
}

/** One microbatch of an epoch or a run. */
export interface Microbatch {
  readonly step: number;
  readonly microbatch: number;
  readonly feeds: Feeds;
}

/** The microbatches of steps `from` … `until`-1 in order. */
export async function* microbatchesOf(
  dataset: Dataset,
  microbatches: number,
  from: number,
  until: number,
): AsyncGenerator<Microbatch> {
  for (let step = from; step < until; step++) {
    for (let microbatch = 0; microbatch < microbatches; microbatch++)
      yield { step, microbatch, feeds: await dataset.feeds(step, microbatch) };
  }
}
