/**
 * @file Who runs the weight gradients that several devices may run: one word of shared memory for each, by its place in
 * `offersOf`. Whoever claims it first runs it. The words grow from step to step, so nobody has to clear them.
 */
import type { SharedMemory } from "./env/env.js";
import type { Layout } from "./layout.js";
import { SHARED_WORD_BYTES, SharedWord } from "./shared-word.js";

const WORDS = SHARED_WORD_BYTES / Int32Array.BYTES_PER_ELEMENT;

/**
 * Claims of one run. With D devices, the word of an offer counts from s * (D + 1) in step s: 0 or less while it is free,
 * d + 1 while device d runs it, D + 1 when it is done, which is what is free in the next step. Words may wrap around.
 */
export class Claims {
  readonly #words: readonly SharedWord[];
  readonly #devices: number;

  constructor(memory: SharedMemory, { claims, progress }: Layout) {
    const count = claims.length / SHARED_WORD_BYTES;
    const all = memory.words(claims.offset, count * WORDS);
    this.#words = Array.from({ length: count }, (_, offer) => {
      const words = all.subarray(offer * WORDS, (offer + 1) * WORDS);
      return new SharedWord(memory, claims.offset + offer * SHARED_WORD_BYTES, words);
    });
    this.#devices = progress.length;
  }

  /** Claims an offer for a device in a step. False if another has it, or had it. */
  take(step: number, offer: number, device: number): boolean {
    const word = this.#words[offer]!;
    const seen = word.value;
    return this.#since(step, seen) <= 0 && word.replace(seen, this.#begin(step) + 1 + device);
  }

  /** Says that an offer is done. Requires: the caller claimed it. */
  finish(step: number, offer: number): void {
    this.#words[offer]!.set(this.#begin(step + 1));
  }

  isFree(step: number, offer: number): boolean {
    return this.#since(step, this.#words[offer]!.value) <= 0;
  }

  isDone(step: number, offer: number): boolean {
    return this.#since(step, this.#words[offer]!.value) > this.#devices;
  }

  /** The device that runs an offer; undefined if none does. */
  holder(step: number, offer: number): number | undefined {
    const since = this.#since(step, this.#words[offer]!.value);
    return since >= 1 && since <= this.#devices ? since - 1 : undefined;
  }

  /** Blocks until an offer is done; see SharedWord. */
  await(step: number, offer: number, onLook: () => boolean, longestMs?: number): void {
    this.#words[offer]!.await((value) => this.#since(step, value) > this.#devices, onLook, longestMs);
  }

  /** Frees all offers of a step. Requires: no device runs. */
  rewind(step: number): void {
    for (const word of this.#words) word.reset(this.#begin(step));
  }

  #begin(step: number): number {
    return Math.imul(step, this.#devices + 1);
  }

  #since(step: number, value: number): number {
    return (value - this.#begin(step)) | 0;
  }
}
