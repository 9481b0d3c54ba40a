/** @file Tensors of a device: memory of its own, reached by copies. */
import type { TensorType } from "../../../compiler/ir/graph.js";
import type { Handle, OrtApi } from "./api.js";
import { OrtBuffer } from "./buffer.js";
import { elementCode, tensorBytes } from "./element.js";
import { checkMemory, hostPlace, tensorOver } from "./memory.js";
import type { TensorMemory } from "./memory.js";

/**
 * Memory of the device that a session runs on.
 *
 * @param memoryName the library's name of it.
 * @param device number of the device.
 */
export function deviceMemory(
  api: OrtApi,
  env: Handle,
  session: Handle,
  memoryName: string,
  device: number,
): TensorMemory {
  const host = hostPlace(api);
  const place = api.create("CreateMemoryInfo", memoryName, 0, device, 0);
  const allocator = api.create("CreateAllocator", session, place);
  const live = new Set<OrtBuffer>();

  const copyTensor = (from: Handle, to: Handle): void => {
    api.check("CopyTensors", env, BigUint64Array.of(from), BigUint64Array.of(to), null, 1);
  };
  /** A tensor over host memory for the time of a copy. */
  const throughHost = (memory: Uint8Array, type: TensorType, copy: (tensor: Handle) => void): void => {
    if (memory.byteLength === 0) return;
    const tensor = tensorOver(api, host, memory, type);
    try {
      copy(tensor);
    } finally {
      api.release("ReleaseValue", tensor);
    }
  };
  const allocated = (type: TensorType, mirrored?: Uint8Array): OrtBuffer => {
    const dims = BigInt64Array.from(type.shape, BigInt);
    const value = api.create("CreateTensorAsOrtValue", allocator, dims, dims.length, elementCode(type.dtype));
    const mirror = mirrored && {
      pull: () => {
        write(buffer, mirrored);
      },
      push: () => {
        throughHost(mirrored, type, (tensor) => {
          copyTensor(buffer.value, tensor);
        });
      },
    };
    const onFree = (freed: OrtBuffer): void => {
      live.delete(freed);
    };
    const buffer = new OrtBuffer(api, { type, value, ...(mirror && { mirror }), onFree });
    live.add(buffer);
    return buffer;
  };
  const write = (buffer: OrtBuffer, bytes: Uint8Array): void => {
    throughHost(bytes, buffer.type, (tensor) => {
      copyTensor(tensor, buffer.value);
    });
  };

  return {
    allocate: (type) => allocated(type),
    adopt: (memory, type) => {
      checkMemory(memory, tensorBytes(type));
      return allocated(type, memory);
    },
    write,
    read: (buffer) => {
      const bytes = new Uint8Array(new ArrayBuffer(buffer.bytes));
      throughHost(bytes, buffer.type, (tensor) => {
        copyTensor(buffer.value, tensor);
      });
      return bytes;
    },
    copy: (from, to) => {
      if (from.bytes > 0) copyTensor(from.value, to.value);
    },
    close: () => {
      for (const buffer of [...live]) buffer.free();
      api.release("ReleaseAllocator", allocator);
      api.release("ReleaseMemoryInfo", place);
      api.release("ReleaseMemoryInfo", host);
    },
  };
}
