/** @file Times of the steps of a run in bounded memory: every time, but what ran when of a window of steps only. */
import type { RowTimes } from "../row-times.js";
import type { StepReport } from "../train.js";

/** A step with what ran when. */
export interface TimedStep {
  readonly ms: number;
  readonly rows: readonly RowTimes[];
}

/** Steps whose rows are kept. */
const WINDOW = 256;

/** Collects step times. The first `warmUp` steps do not count for the median: memory is touched for the first time. */
export class StepTimes {
  readonly #warmUp: number;
  readonly #window: TimedStep[] = [];
  readonly #timesMs: number[] = [];
  #dataMs = 0;
  #totalMs = 0;

  constructor(warmUp: number) {
    this.#warmUp = warmUp;
  }

  add({ ms, rows, dataMs, checkpointMs }: Pick<StepReport, "ms" | "rows" | "dataMs" | "checkpointMs">): void {
    this.#timesMs.push(ms);
    this.#dataMs += dataMs;
    this.#totalMs += ms + dataMs + checkpointMs;
    const isWarmingUp = this.#timesMs.length <= this.#warmUp + 1;
    if (isWarmingUp || this.#window.length === WINDOW) this.#window.shift();
    this.#window.push({ ms, rows });
  }

  /** Of every step. */
  get timesMs(): readonly number[] {
    return this.#timesMs;
  }

  /** The step with the median time among the last ones; undefined before the first step. */
  get median(): TimedStep | undefined {
    return this.#window.toSorted((a, b) => a.ms - b.ms)[Math.floor(this.#window.length / 2)];
  }

  /** Share of the wall time of all steps that was waiting for samples. */
  get dataShare(): number {
    return this.#totalMs > 0 ? this.#dataMs / this.#totalMs : 0;
  }
}
