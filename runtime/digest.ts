/** @file The digests that files are known by. */
import { createHash } from "node:crypto";
import type { ConfinedFile } from "./env/env.js";

/** Bytes of a file that are read at once. */
const PART_BYTES = 64 * 2 ** 20;

/** sha256 in hex. */
export function digestOf(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Digest of a file of any size, in hex. @throws FILE. */
export async function digestOfFile(file: ConfinedFile, algorithm: "sha256" | "sha1"): Promise<string> {
  const hash = createHash(algorithm);
  for (let at = 0; at < file.bytes; at += PART_BYTES)
    hash.update(await file.readRange(at, Math.min(PART_BYTES, file.bytes - at)));
  return hash.digest("hex");
}
