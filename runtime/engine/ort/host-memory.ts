/** @file Tensors of the CPU kind: host memory, used in place. */
import { invariant } from "../../../compiler/errors.js";
import type { TensorType } from "../../../compiler/ir/graph.js";
import type { OrtApi } from "./api.js";
import { OrtBuffer } from "./buffer.js";
import { tensorBytes } from "./element.js";
import { alignedMemory, checkMemory, hostPlace, tensorOver } from "./memory.js";
import type { TensorMemory } from "./memory.js";

/** Host memory as tensors. `write`, `read` and `copy` are one memory copy each; `adopt` copies nothing. */
export function hostMemory(api: OrtApi): TensorMemory {
  const place = hostPlace(api);
  const live = new Set<OrtBuffer>();
  const over = (memory: Uint8Array, type: TensorType): OrtBuffer => {
    const value = tensorOver(api, place, memory, type);
    const buffer = new OrtBuffer(api, { type, value, memory, onFree: (freed) => live.delete(freed) });
    live.add(buffer);
    return buffer;
  };
  return {
    allocate: (type) => over(alignedMemory(tensorBytes(type)), type),
    adopt: (memory, type) => {
      checkMemory(memory, tensorBytes(type));
      return over(memory, type);
    },
    write: (buffer, bytes) => {
      bytesOf(buffer).set(bytes);
    },
    read: (buffer) => new Uint8Array(bytesOf(buffer)),
    copy: (from, to) => {
      bytesOf(to).set(bytesOf(from));
    },
    close: () => {
      for (const buffer of [...live]) buffer.free();
      api.release("ReleaseMemoryInfo", place);
    },
  };
}

function bytesOf(buffer: OrtBuffer): Uint8Array {
  const { memory } = buffer;
  invariant(memory, "a device buffer is used as host memory");
  return memory;
}
