/**
 * @file How far each device is: one word of shared memory per device, counting finished actions since the run began. The
 * word after it counts who waits for it: a call of the system that wakes nobody is left out.
 */
import type { Wait } from "../compiler/plan/plan.js";
import type { SharedMemory } from "./env/env.js";
import type { Layout } from "./layout.js";

/**
 * A waiting device first looks by itself, this often and this many times, and only then asks to be woken: waking takes
 * the time of the device that works, and now and then its core, looking that of the one that waits.
 */
const LOOK_MS = 0.1;
const LOOKS = 1_000;
/** Longest sleep of a device that asked to be woken, before it looks again. */
const WAIT_MS = 200;

/** Thrown out of a wait when the step in flight was stopped: another device is gone, or the run ends. */
export class StepAborted extends Error {
  constructor() {
    super("internal: the step in flight was stopped");
    this.name = "StepAborted";
  }
}

/** Progress words of all devices, waiting on them, and the word that stops all waits. */
export class Progress {
  readonly #memory: SharedMemory;
  readonly #words: readonly Int32Array[];
  readonly #abort: Int32Array;
  readonly #offsets: readonly number[];
  readonly #rowLengths: readonly number[];

  /** `rowLengths`: actions per step of each device. */
  constructor(memory: SharedMemory, layout: Layout, rowLengths: readonly number[]) {
    this.#memory = memory;
    this.#offsets = layout.progress;
    this.#rowLengths = rowLengths;
    this.#words = layout.progress.map((offset) => memory.words(offset, 2));
    this.#abort = memory.words(layout.abort, 1);
  }

  /** Says that `device` finished one more action, and wakes who waits for it. */
  advance(device: number): void {
    const words = this.#words[device]!;
    Atomics.add(words, 0, 1);
    if (Atomics.load(words, 1) > 0) this.#memory.wake(this.#offsets[device]!);
  }

  /** True when the awaited action of step `step` (0 is the first of the run) is done. */
  isReached(step: number, { device, count }: Wait): boolean {
    return Atomics.load(this.#words[device]!, 0) >= this.#rowLengths[device]! * step + count;
  }

  /** Actions of step `step` that a device has finished. */
  doneIn(step: number, device: number): number {
    return Atomics.load(this.#words[device]!, 0) - this.#rowLengths[device]! * step;
  }

  /** True when every device has finished its row of the step. */
  isRowsDone(step: number): boolean {
    return this.#rowLengths.every((count, device) => this.isReached(step, { device, count }));
  }

  /** Blocks until the awaited action is done. @throws StepAborted when the step is stopped first. */
  await(step: number, wait: Wait): void {
    const words = this.#words[wait.device]!;
    for (let look = 0; !this.isReached(step, wait); look++) {
      const seen = Atomics.load(words, 0);
      if (this.isReached(step, wait)) return;
      if (Atomics.load(this.#abort, 0) !== 0) throw new StepAborted();
      if (look < LOOKS) {
        this.#memory.wait(this.#offsets[wait.device]!, seen, LOOK_MS);
        continue;
      }
      // Before the wait compares the word again: who advances it after that sees that somebody waits.
      Atomics.add(words, 1, 1);
      this.#memory.wait(this.#offsets[wait.device]!, seen, WAIT_MS);
      Atomics.sub(words, 1, 1);
    }
  }

  /** Stops all waits for what is not done yet. */
  abort(): void {
    Atomics.store(this.#abort, 0, 1);
    for (const offset of this.#offsets) this.#memory.wake(offset);
  }

  /** Sets every device to the begin of a step. Requires: no device runs. */
  rewind(step: number): void {
    for (const [device, length] of this.#rowLengths.entries()) {
      Atomics.store(this.#words[device]!, 0, length * step);
      // A device that was lost asleep counts no longer.
      Atomics.store(this.#words[device]!, 1, 0);
    }
    this.resume();
  }

  /** Lets devices wait again. */
  resume(): void {
    Atomics.store(this.#abort, 0, 0);
  }
}
