/** @file Waiting for a word of shared memory to change: look a few times, then sleep in the system. */
import { constants } from "node:buffer";
import { PipewrightError, invariant } from "../../compiler/errors.js";

/** Sleeps at most this long, while the word has not changed; may return early for no reason. */
export type Sleep = (timeoutMs: number) => void;

/**
 * Looks for about 10 us, which is what sleeping and waking cost: a change that comes within a few microseconds is met
 * awake, and a longer wait leaves the core to others.
 */
const LOOKS = 700;

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
    if (leftMs > 0) sleep(leftMs);
    if (Atomics.load(words, word) !== seen) return true;
    if (leftMs <= 0) return false;
  }
}

/** Stops unless a 32-bit word lies at a byte offset. */
export function checkWord(byteLength: number, offset: number): void {
  const bytes = Int32Array.BYTES_PER_ELEMENT;
  const lies = Number.isInteger(offset / bytes) && offset >= 0 && offset + bytes <= byteLength;
  invariant(lies, `offset ${offset} is no word of ${byteLength} bytes of shared memory`);
}

/**
 * Stops unless a part lies inside the memory.
 * @throws PipewrightError LIMIT_EXCEEDED when it is longer than an array of this Node can be.
 */
export function checkPart(byteLength: number, offset: number, length: number): void {
  const lies = offset >= 0 && length >= 0 && offset + length <= byteLength;
  invariant(lies, `${length} bytes at ${offset} do not lie in ${byteLength} bytes of shared memory`);
  if (length <= constants.MAX_LENGTH) return;
  throw new PipewrightError(
    "LIMIT_EXCEEDED",
    `shared memory: Node ${process.versions.node} has no arrays that long; got ${length} bytes, expected at most ${constants.MAX_LENGTH}. Use more devices with a smaller part each, or a newer Node.`,
  );
}
