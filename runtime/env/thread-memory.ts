/** @file Memory that threads share: SharedArrayBuffers under names, woken by Atomics. */
import { receiveMessageOnPort } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import koffi from "koffi";
import { PipewrightError } from "../../compiler/errors.js";
import type { SharedMemories, SharedMemory } from "./env.js";
import { checkPart, checkWord, waitForChange } from "./waiting.js";

/** A memory as it travels between threads. `start` is where its bytes begin: the buffer itself is not aligned. */
export interface NamedMemory {
  readonly name: string;
  readonly room: SharedArrayBuffer;
  readonly start: number;
  readonly byteLength: number;
}

/** What the system gives mapped memory: tensors need their first byte at a multiple of 64, pages have it. */
const ALIGNMENT_BYTES = 4096;

/** Who hears of memories. */
export interface MemoryListener {
  onCreate(memory: NamedMemory): void;
  onClose(memory: NamedMemory): void;
}

/** Memories of a thread that makes them. `names` is what every name starts with. */
export function ownedMemories(names: string, listener: MemoryListener): SharedMemories {
  const named = new Map<string, NamedMemory>();
  let made = 0;
  return {
    create: (bytes) => {
      const room = sharedRoom(bytes + ALIGNMENT_BYTES);
      const past = Number(koffi.address(new Uint8Array(room)) % BigInt(ALIGNMENT_BYTES));
      const memory = {
        name: `${names}#${made++}`,
        room,
        start: (ALIGNMENT_BYTES - past) % ALIGNMENT_BYTES,
        byteLength: bytes,
      };
      named.set(memory.name, memory);
      listener.onCreate(memory);
      return shared(memory, () => {
        named.delete(memory.name);
        listener.onClose(memory);
      });
    },
    open: (name) => {
      const memory = named.get(name);
      if (!memory) throw unknown(name);
      return shared(memory, () => undefined);
    },
  };
}

function sharedRoom(bytes: number): SharedArrayBuffer {
  checkPart(bytes, 0, bytes);
  try {
    return new SharedArrayBuffer(bytes);
  } catch {
    throw new PipewrightError(
      "TRAINING_FAULT",
      `shared memory: there is no room for ${bytes} bytes. Lower the batch or free some memory.`,
    );
  }
}

/** Memories of a child thread: those its parent had at the start, and those announced since. */
export function announcedMemories(present: readonly NamedMemory[], announcements: MessagePort): SharedMemories {
  const named = new Map(present.map((memory) => [memory.name, memory]));
  return {
    create: () => {
      throw new Error("internal: a child thread makes shared memory; its parent does that");
    },
    open: (name) => {
      for (;;) {
        const received = receiveMessageOnPort(announcements) as { readonly message: NamedMemory } | undefined;
        if (!received) break;
        named.set(received.message.name, received.message);
      }
      const memory = named.get(name);
      if (!memory) throw unknown(name);
      return shared(memory, () => undefined);
    },
  };
}

function shared(memory: NamedMemory, onClose: () => void): SharedMemory {
  const { name, room, start, byteLength } = memory;
  const words = new Int32Array(room, start, Math.floor(byteLength / Int32Array.BYTES_PER_ELEMENT));
  const wordAt = (offset: number): number => {
    checkWord(byteLength, offset);
    return offset / Int32Array.BYTES_PER_ELEMENT;
  };
  return {
    name,
    byteLength,
    view: (offset, length) => {
      checkPart(byteLength, offset, length);
      return new Uint8Array(room, start + offset, length);
    },
    words: (offset, count) => words.subarray(wordAt(offset), wordAt(offset) + count),
    wait: (offset, seen, timeoutMs) =>
      waitForChange(words, wordAt(offset), seen, timeoutMs, (leftMs) => {
        Atomics.wait(words, wordAt(offset), seen, leftMs);
      }),
    wake: (offset) => {
      Atomics.notify(words, wordAt(offset));
    },
    close: onClose,
  };
}

function unknown(name: string): PipewrightError {
  return new PipewrightError(
    "FILE",
    `shared memory: ${name} is not there; its creator has closed it or is another program. Start the run again.`,
  );
}
