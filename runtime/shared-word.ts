/** @file A word of shared memory that others wait for. The word behind it counts who asked to be woken. */
import type { SharedMemory } from "./env/env.js";

/** Bytes of a word with its count. */
export const SHARED_WORD_BYTES = 8;

/**
 * Who waits first looks by itself, this often and this many times, and only then asks to be woken: waking takes the time
 * of the one that works, and now and then its core, looking that of the one that waits.
 */
const LOOK_MS = 0.1;
const LOOKS = 1_000;
/** Longest sleep of one that asked to be woken, before it looks again. */
const WAIT_MS = 200;

export class SharedWord {
  readonly #memory: SharedMemory;
  readonly #offset: number;
  readonly #words: Int32Array;

  /** `words`: the word at `offset` and its count. */
  constructor(memory: SharedMemory, offset: number, words: Int32Array = memory.words(offset, 2)) {
    this.#memory = memory;
    this.#offset = offset;
    this.#words = words;
  }

  get value(): number {
    return Atomics.load(this.#words, 0);
  }

  /** Adds one, and wakes who asked for it. */
  increase(): void {
    Atomics.add(this.#words, 0, 1);
    this.#wakeAsking();
  }

  /** Sets the word, and wakes who asked for it. */
  set(value: number): void {
    Atomics.store(this.#words, 0, value);
    this.#wakeAsking();
  }

  /** Sets the word if it still is `expected`, and says whether it was. */
  replace(expected: number, value: number): boolean {
    return Atomics.compareExchange(this.#words, 0, expected, value) === expected;
  }

  /**
   * Blocks until the word is as awaited. `onLook` is called before every sleep: what it throws ends the wait, and if it
   * says true, it took a while. No sleep is longer than `longestMs`.
   */
  await(isReached: (value: number) => boolean, onLook: () => boolean, longestMs = WAIT_MS): void {
    for (let looks = 0, seen = this.value; !isReached(seen); looks++, seen = this.value) {
      if (onLook()) {
        looks = 0;
        continue;
      }
      if (looks < LOOKS) {
        this.#memory.wait(this.#offset, seen, LOOK_MS);
        continue;
      }
      // Before the wait compares the word again: who changes it after that sees that somebody waits.
      Atomics.add(this.#words, 1, 1);
      this.#memory.wait(this.#offset, seen, longestMs);
      Atomics.sub(this.#words, 1, 1);
    }
  }

  /** Wakes all that wait, so that they look again. */
  wake(): void {
    this.#memory.wake(this.#offset);
  }

  /** Sets the word. One that was lost asleep counts no longer. Requires: nobody waits. */
  reset(value: number): void {
    Atomics.store(this.#words, 0, value);
    Atomics.store(this.#words, 1, 0);
  }

  #wakeAsking(): void {
    if (Atomics.load(this.#words, 1) > 0) this.wake();
  }
}
