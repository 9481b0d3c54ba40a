/** @file An Env without an outside: files in memory, a clock that jumps, seeded randomness, memory of one process. */
import type { Clock, Env, Random, SharedMemories, SharedMemory } from "../../runtime/env/env.js";
import { filesOver } from "../../runtime/env/files.js";
import { checkPart, checkWord } from "../../runtime/env/waiting.js";
import { SimulatedDisk } from "./simulated-disk.js";

/** A clock on which sleeping takes no time: when nothing else is to do, it jumps to the next end of a sleep. */
class SimulatedClock implements Clock {
  #nowMs = 0;
  readonly #sleepers: { readonly endMs: number; readonly wake: () => void }[] = [];

  readonly nowMs = (): number => this.#nowMs;

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ endMs: this.#nowMs + ms, wake });
      setImmediate(() => this.#jump());
    });
  }

  /** Time passes without anybody sleeping. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  #jump(): void {
    const next = this.#sleepers.sort((one, other) => one.endMs - other.endMs).shift();
    if (!next) return;
    this.#nowMs = Math.max(this.#nowMs, next.endMs);
    next.wake();
  }
}

/** Bytes of a linear congruential generator (Knuth, MMIX). */
export function simulatedRandom(seed = 1n): Random {
  let state = seed;
  return {
    bytes: (count) =>
      Uint8Array.from({ length: count }, () => {
        state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
        return Number(state >> 56n);
      }),
  };
}

/** An Env whose parts a test can reach. */
export interface SimulatedEnv extends Env {
  readonly disk: SimulatedDisk;
  readonly clock: SimulatedClock;
}

/** Children cannot be spawned: what runs in them is tested on `threadEnv`. */
export function simulatedEnv(disk: SimulatedDisk = new SimulatedDisk()): SimulatedEnv {
  const clock = new SimulatedClock();
  const random = simulatedRandom();
  return {
    disk,
    clock,
    random,
    files: filesOver(disk, random),
    memories: localMemories(clock),
    processes: {
      spawn: () => {
        throw new Error("a simulated Env has no children; use threadEnv");
      },
    },
  };
}

function localMemories(clock: SimulatedClock): SharedMemories {
  const named = new Map<string, SharedMemory>();
  return {
    create: (byteLength) => {
      const bytes = new Uint8Array(byteLength);
      const words = new Int32Array(bytes.buffer, 0, Math.floor(byteLength / 4));
      const name = `simulated#${named.size}`;
      const memory: SharedMemory = {
        name,
        byteLength,
        view: (offset, length) => {
          checkPart(byteLength, offset, length);
          return bytes.subarray(offset, offset + length);
        },
        words: (offset, count) => {
          checkWord(byteLength, offset);
          return words.subarray(offset / 4, offset / 4 + count);
        },
        wait: (offset, seen, timeoutMs) => {
          checkWord(byteLength, offset);
          if (words[offset / 4] === seen) clock.pass(timeoutMs);
          return words[offset / 4] !== seen;
        },
        wake: (offset) => checkWord(byteLength, offset),
        close: () => named.delete(name),
      };
      named.set(name, memory);
      return memory;
    },
    open: (name) => {
      const memory = named.get(name);
      if (!memory) throw new Error(`shared memory: ${name} is not there`);
      return memory;
    },
  };
}
