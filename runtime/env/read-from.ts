/** @file Reads a range of an open file, however long. */
import type { FileHandle } from "node:fs/promises";

/** One system call moves at most 2 GiB. */
export const MOST_BYTES_PER_CALL = 1 << 30;

/** Up to `length` bytes from `offset`; fewer only where the file ends. */
export async function readFrom(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const wanted = Math.min(length - filled, MOST_BYTES_PER_CALL);
    const { bytesRead } = await handle.read(bytes, filled, wanted, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
