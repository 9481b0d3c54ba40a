/** @file How far each device is: one word of shared memory per device, counting finished actions since the run began. */
import type { Wait } from "../compiler/plan/plan.js";
import type { SharedMemory } from "./env/env.js";

/** Longest sleep before the caller looks whether the run was stopped. */
const WAIT_MS = 200;

/** Progress words of all devices, and waiting on them. */
export class Progress {
  readonly #memory: SharedMemory;
  readonly #words: readonly Int32Array[];
  readonly #offsets: readonly number[];
  readonly #rowLengths: readonly number[];

  /** `rowLengths`: actions per step of each device. */
  constructor(memory: SharedMemory, offsets: readonly number[], rowLengths: readonly number[]) {
    this.#memory = memory;
    this.#offsets = offsets;
    this.#rowLengths = rowLengths;
    const { buffer, byteOffset } = memory.bytes;
    this.#words = offsets.map((offset) => new Int32Array(buffer, byteOffset + offset, 1));
  }

  /** Says that `device` finished one more action, and wakes who waits for it. */
  advance(device: number): void {
    Atomics.add(this.#words[device]!, 0, 1);
    this.#memory.wake(this.#offsets[device]!);
  }

  /** True when the awaited action of step `step` (0 is the first of the run) is done. */
  isReached(step: number, { device, count }: Wait): boolean {
    return Atomics.load(this.#words[device]!, 0) >= this.#rowLengths[device]! * step + count;
  }

  /** Blocks until the awaited action is done. `check` runs between sleeps and may throw. */
  await(step: number, wait: Wait, check: () => void): void {
    while (!this.isReached(step, wait)) {
      const seen = Atomics.load(this.#words[wait.device]!, 0);
      if (this.isReached(step, wait)) return;
      if (!this.#memory.wait(this.#offsets[wait.device]!, seen, WAIT_MS)) check();
    }
  }
}
