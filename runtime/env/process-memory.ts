/** @file Memory that processes share: nameless memory files, mapped, with futexes. Nothing stays behind, whoever is killed. */
import { closeSync, fstatSync, ftruncateSync, openSync } from "node:fs";
import koffi from "koffi";
import { PipewrightError } from "../../compiler/errors.js";
import type { SharedMemories, SharedMemory } from "./env.js";
import { linux } from "./libc.js";
import { checkPart, checkWord, waitForChange } from "./waiting.js";

/** "/proc/<pid>/fd/<descriptor>#<inode>": the inode shows a descriptor that was closed and given to another file. */
const NAME = /^(\/proc\/\d+\/fd\/\d+)#(\d+)$/;

/** Shared memory of Linux processes. The creator must have it open while others open it; later it may close it. */
export const processMemories: SharedMemories = {
  create: (bytes) => {
    const descriptor = linux().memoryFile("pipewright");
    try {
      ftruncateSync(descriptor, bytes);
      const name = `/proc/${process.pid}/fd/${descriptor}#${fstatSync(descriptor).ino}`;
      return mapped(name, descriptor, bytes);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  },
  open: (name) => {
    const [, path, inode] = NAME.exec(name) ?? [];
    if (path === undefined) throw gone(name);
    let descriptor: number;
    try {
      descriptor = openSync(path, "r+");
    } catch {
      throw gone(name);
    }
    try {
      const { ino, size } = fstatSync(descriptor);
      if (String(ino) !== inode) throw gone(name);
      return mapped(name, descriptor, size);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  },
};

function mapped(name: string, descriptor: number, byteLength: number): SharedMemory {
  const system = linux();
  const address = byteLength === 0 ? 0n : system.mapShared(descriptor, byteLength);
  const view = (offset: number, length: number): Uint8Array => {
    checkPart(byteLength, offset, length);
    return new Uint8Array(length === 0 ? new ArrayBuffer(0) : koffi.view(address + BigInt(offset), length));
  };
  const wordsAt = (offset: number, count: number): Int32Array => {
    checkWord(byteLength, offset);
    return new Int32Array(view(offset, count * Int32Array.BYTES_PER_ELEMENT).buffer);
  };
  const words = new Map<number, Int32Array>();
  let open = true;
  return {
    name,
    byteLength,
    view,
    words: wordsAt,
    wait: (offset, seen, timeoutMs) => {
      let word = words.get(offset);
      if (!word) words.set(offset, (word = wordsAt(offset, 1)));
      return waitForChange(word, 0, seen, timeoutMs, (leftMs) => {
        system.futexWait(address + BigInt(offset), seen, leftMs);
      });
    },
    wake: (offset) => {
      checkWord(byteLength, offset);
      system.futexWake(address + BigInt(offset));
    },
    close: () => {
      if (!open) return;
      open = false;
      if (byteLength > 0) system.replaceByZeros(address, byteLength);
      closeSync(descriptor);
    },
  };
}

function gone(name: string): PipewrightError {
  return new PipewrightError(
    "FILE",
    `shared memory: ${name} is not there; its creator has closed it or is gone. Start the run again.`,
  );
}
