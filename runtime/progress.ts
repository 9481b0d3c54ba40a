/** @file How far each device is: one word of shared memory per device, counting finished actions since the run began. */
import type { Wait } from "../compiler/plan/plan.js";
import { Claims } from "./claims.js";
import type { SharedMemory } from "./env/env.js";
import type { Layout } from "./layout.js";
import { SharedWord } from "./shared-word.js";

/** Thrown out of a wait when the step in flight was stopped: another device is gone, or the run ends. */
export class StepAborted extends Error {
  constructor() {
    super("internal: the step in flight was stopped");
    this.name = "StepAborted";
  }
}

/** What a device does while it waits: true if it did something, so that what it waits for may be there. */
export type Meanwhile = () => boolean;

/** Longest sleep of a device that might find something to do meanwhile. */
const MEANWHILE_MS = 5;

/** Progress words of all devices, waiting on them, who runs what others may run, and the word that stops all waits. */
export class Progress {
  readonly claims: Claims;
  readonly #words: readonly SharedWord[];
  readonly #abort: Int32Array;
  readonly #rowLengths: readonly number[];

  /** `rowLengths`: actions per step of each device. */
  constructor(memory: SharedMemory, layout: Layout, rowLengths: readonly number[]) {
    this.#rowLengths = rowLengths;
    this.#words = layout.progress.map((offset) => new SharedWord(memory, offset));
    this.#abort = memory.words(layout.abort, 1);
    this.claims = new Claims(memory, layout);
  }

  /** Says that `device` finished one more action, and wakes who waits for it. */
  advance(device: number): void {
    this.#words[device]!.increase();
  }

  /** True when the awaited action of step `step` (0 is the first of the run) is done. */
  isReached(step: number, { device, count }: Wait): boolean {
    return this.doneIn(step, device) >= count;
  }

  /** Actions of step `step` that a device has finished. */
  doneIn(step: number, device: number): number {
    return this.#since(step, device, this.#words[device]!.value);
  }

  /** True when every device has finished its row of the step. */
  isRowsDone(step: number): boolean {
    return this.#rowLengths.every((count, device) => this.isReached(step, { device, count }));
  }

  /** Blocks until the awaited action is done. @throws StepAborted when the step is stopped first. */
  await(step: number, { device, count }: Wait, meanwhile?: Meanwhile): void {
    const isReached = (value: number): boolean => this.#since(step, device, value) >= count;
    this.#words[device]!.await(isReached, this.#looking(meanwhile), meanwhile && MEANWHILE_MS);
  }

  /** Blocks until another device has run an offer that it claimed. @throws StepAborted when the step is stopped first. */
  awaitOffer(step: number, offer: number, meanwhile?: Meanwhile): void {
    this.claims.await(step, offer, this.#looking(meanwhile), meanwhile && MEANWHILE_MS);
  }

  /** Stops all waits for what is not done yet. */
  abort(): void {
    Atomics.store(this.#abort, 0, 1);
    for (const word of this.#words) word.wake();
  }

  /** Sets every device to the begin of a step. Requires: no device runs. */
  rewind(step: number): void {
    for (const [device, length] of this.#rowLengths.entries()) this.#words[device]!.reset(Math.imul(length, step));
    this.claims.rewind(step);
    this.resume();
  }

  /** Lets devices wait again. */
  resume(): void {
    Atomics.store(this.#abort, 0, 0);
  }

  /** Actions of a step that a progress word tells of; the word may wrap around. */
  #since(step: number, device: number, value: number): number {
    return (value - Math.imul(this.#rowLengths[device]!, step)) | 0;
  }

  #looking(meanwhile: Meanwhile | undefined): Meanwhile {
    return () => {
      if (Atomics.load(this.#abort, 0) !== 0) throw new StepAborted();
      return meanwhile?.() ?? false;
    };
  }
}
