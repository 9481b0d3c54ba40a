/** @file Memory that processes share: nameless memory files, mapped, with futexes. Nothing stays behind, whoever is killed. */
import { closeSync, fstatSync, ftruncateSync, openSync } from "node:fs";
import koffi from "koffi";
import { PipewrightError } from "../../compiler/errors.js";
import type { SharedMemories, SharedMemory } from "./env.js";
import { linux } from "./libc.js";
import { waitForChange, wordAt } from "./waiting.js";

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
  const room = byteLength === 0 ? new ArrayBuffer(0) : koffi.view(address, byteLength);
  const words = new Int32Array(room, 0, Math.floor(byteLength / Int32Array.BYTES_PER_ELEMENT));
  const sleep = (word: number, seen: number, timeoutMs: number): void => {
    system.futexWait(addressOf(word), seen, timeoutMs);
  };
  const addressOf = (word: number): bigint => address + BigInt(word * Int32Array.BYTES_PER_ELEMENT);
  let open = true;
  return {
    name,
    bytes: new Uint8Array(room),
    wait: (offset, seen, timeoutMs) => waitForChange(words, wordAt(words, offset), seen, timeoutMs, sleep),
    wake: (offset) => {
      system.futexWake(addressOf(wordAt(words, offset)));
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
