/** @file A row under construction, for schedules that are told as a sequence of "next F of this stage, next I of that". */
import type { Action, Phase } from "./action.js";

/** Counts the microbatches of each stage and phase by itself. */
export class RowBuilder {
  readonly row: Action[] = [];
  /** Positions whose action runs together with the next one. */
  readonly pairs: number[] = [];
  private readonly counts = new Map<string, number>();
  private readonly first: (stage: number) => number;

  /** `first(stage)`: number of the first microbatch that the stage sees. */
  constructor(first: (stage: number) => number = () => 0) {
    this.first = first;
  }

  /** Actions of this phase so far. */
  count(stage: number, phase: Phase): number {
    return this.counts.get(`${stage}${phase}`) ?? 0;
  }

  /** Appends the next microbatch of a stage. Backwards, whole or split, share one count. */
  push(stage: number, phase: Phase): void {
    const counter = phase === "B" ? "I" : phase;
    const microbatch = this.first(stage) + this.count(stage, counter);
    this.counts.set(`${stage}${counter}`, this.count(stage, counter) + 1);
    this.row.push({ stage, phase, microbatch });
  }

  /** Appends a given action, such as a W that was put off. */
  append(action: Action): void {
    this.row.push(action);
  }

  /** Appends two actions that run as one. */
  pushPair(forward: number, backward: number): void {
    this.pairs.push(this.row.length);
    this.push(forward, "F");
    this.push(backward, "B");
  }
}
