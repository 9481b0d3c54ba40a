/**
 * @file Who runs the weight gradients that several devices may run: one word of shared memory for each, by its place in
 * `offersOf`. Whoever claims it first runs it. The words grow from step to step, so nobody has to clear them.
 */
import type { SharedMemory } from "./env/env.js";
import type { Layout } from "./layout.js";
import { SharedWord } from "./shared-word.js";

/**
 * Claims of one run. With D devices, word of an offer in step s: at most s * (D + 1) while it is free, d + 1 more than
 * that while device d runs it, (s + 1) * (D + 1) when it is done, which is what is free in the next step.
 */
export class Claims {
  readonly #words: readonly SharedWord[];
  readonly #devices: number;

  constructor(memory: SharedMemory, layout: Layout) {
    this.#words = layout.claims.map((offset) => new SharedWord(memory, offset));
    this.#devices = layout.progress.length;
  }

  /** Claims an offer for a device in a step. False if another has it, or had it. */
  take(step: number, offer: number, device: number): boolean {
    const word = this.#words[offer]!;
    const seen = word.value;
    return seen <= this.#begin(step) && word.replace(seen, this.#begin(step) + 1 + device);
  }

  /** Says that an offer is done. Requires: the caller claimed it. */
  finish(step: number, offer: number): void {
    this.#words[offer]!.set(this.#begin(step + 1));
  }

  isFree(step: number, offer: number): boolean {
    return this.#words[offer]!.value <= this.#begin(step);
  }

  isDone(step: number, offer: number): boolean {
    return this.#words[offer]!.value >= this.#begin(step + 1);
  }

  /** The device that runs an offer; undefined if none does. */
  holder(step: number, offer: number): number | undefined {
    const device = this.#words[offer]!.value - this.#begin(step) - 1;
    return device >= 0 && device < this.#devices ? device : undefined;
  }

  /** Blocks until an offer is done; see SharedWord. */
  await(step: number, offer: number, onLook: () => boolean): void {
    const done = this.#begin(step + 1);
    this.#words[offer]!.await((value) => value >= done, onLook);
  }

  /** Frees all offers of a step. Requires: no device runs. */
  rewind(step: number): void {
    for (const word of this.#words) word.reset(this.#begin(step));
  }

  #begin(step: number): number {
    return step * (this.#devices + 1);
  }
}
