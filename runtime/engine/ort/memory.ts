/** @file Where the tensors of an engine live: what the CPU and the devices do differently. */
import koffi from "koffi";
import { PipewrightError, invariant } from "../../../compiler/errors.js";
import type { TensorType } from "../../../compiler/ir/graph.js";
import { ALIGNMENT_BYTES } from "../engine.js";
import type { Handle, OrtApi } from "./api.js";
import type { OrtBuffer } from "./buffer.js";
import { elementCode } from "./element.js";

/** Memory of one kind. */
export interface TensorMemory {
  allocate(type: TensorType): OrtBuffer;
  adopt(memory: Uint8Array, type: TensorType): OrtBuffer;
  write(buffer: OrtBuffer, bytes: Uint8Array): void;
  read(buffer: OrtBuffer): Uint8Array;
  copy(from: OrtBuffer, to: OrtBuffer): void;
  close(): void;
}

/** OrtMemoryInfo of host memory (allocator type 0 device, device 0, memory type 0 default). */
export function hostPlace(api: OrtApi): Handle {
  return api.create("CreateMemoryInfo", "Cpu", 0, 0, 0);
}

/** A tensor over host memory, which must stay alive as long as the tensor. Cost: no copy. */
export function tensorOver(api: OrtApi, place: Handle, memory: Uint8Array, type: TensorType): Handle {
  const dims = BigInt64Array.from(type.shape, BigInt);
  const start = addressOf(memory);
  return api.create(
    "CreateTensorWithDataAsOrtValue",
    place,
    start,
    memory.byteLength,
    dims,
    dims.length,
    elementCode(type.dtype),
  );
}

/**
 * Zeroed host memory whose first byte lies at a multiple of ALIGNMENT_BYTES.
 * @throws PipewrightError TRAINING_FAULT when the system has no such memory.
 */
export function alignedMemory(bytes: number): Uint8Array {
  let room: ArrayBuffer;
  try {
    room = new ArrayBuffer(bytes + ALIGNMENT_BYTES);
  } catch {
    throw new PipewrightError(
      "TRAINING_FAULT",
      `memory: there is no room for a tensor of ${bytes} bytes. Lower the batch, use more stages, or free some memory.`,
    );
  }
  const past = Number(koffi.address(new Uint8Array(room)) % BigInt(ALIGNMENT_BYTES));
  return new Uint8Array(room, past === 0 ? 0 : ALIGNMENT_BYTES - past, bytes);
}

/** Stops unless memory given from outside has the size and the alignment of a tensor. */
export function checkMemory(memory: Uint8Array, bytes: number): void {
  invariant(memory.byteLength === bytes, `adopted memory has ${memory.byteLength} bytes, the tensor ${bytes}`);
  if (bytes === 0) return;
  const past = addressOf(memory) % BigInt(ALIGNMENT_BYTES);
  invariant(past === 0n, `adopted memory starts ${past} bytes past a multiple of ${ALIGNMENT_BYTES}`);
}

/** An empty view has no address of its own, and the library refuses null. */
function addressOf(memory: Uint8Array): Handle {
  return memory.byteLength === 0 ? NOWHERE_ADDRESS : koffi.address(memory);
}

const NOWHERE = new Uint8Array(new ArrayBuffer(2 * ALIGNMENT_BYTES));
const NOWHERE_ADDRESS: Handle = koffi.address(NOWHERE);
