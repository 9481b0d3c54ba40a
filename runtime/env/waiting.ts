/** @file Waiting for a word of shared memory to change: look a few times, then sleep in the system. */

/** Sleeps while `word` holds `seen`, at most `timeoutMs`; may return early for no reason. */
export type Sleep = (word: number, seen: number, timeoutMs: number) => void;

/**
 * Looks before sleeping. Sleeping and waking cost some 10 us, so a change that comes within a few microseconds is met
 * awake, and a longer wait leaves the core to others.
 */
const LOOKS = 2_000;

/**
 * Blocks the thread until a word differs from `seen` or the time is over. No wake-up is lost, because the sleep
 * compares the word again, at once with going to sleep.
 *
 * @param words the shared memory, as words.
 * @param timeoutMs may be Infinity.
 * @returns false when the time is over and the word is still `seen`.
 */
export function waitForChange(words: Int32Array, word: number, seen: number, timeoutMs: number, sleep: Sleep): boolean {
  for (let look = 0; look < LOOKS; look++) {
    if (Atomics.load(words, word) !== seen) return true;
  }
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = deadlineMs - performance.now();
    if (leftMs > 0) sleep(word, seen, leftMs);
    if (Atomics.load(words, word) !== seen) return true;
    if (leftMs <= 0) return false;
  }
}

/** The word at a byte offset, which must be a multiple of 4 inside the memory. */
export function wordAt(words: Int32Array, offset: number): number {
  const word = offset / Int32Array.BYTES_PER_ELEMENT;
  if (!Number.isInteger(word) || word < 0 || word >= words.length) {
    throw new Error(`internal: offset ${offset} is no word of ${words.byteLength} bytes of shared memory`);
  }
  return word;
}
