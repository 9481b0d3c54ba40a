/** @file Host memory for tensors of tests. */
import { ALIGNMENT_BYTES } from "../../runtime/engine/engine.js";
import { alignedMemory } from "../../runtime/engine/ort/memory.js";

/** Zeroed bytes at an aligned address. A view past its start is unaligned by as much. */
export function alignedBytes(bytes: number): Uint8Array {
  return alignedMemory(Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES).subarray(0, bytes);
}
