/** @file A tensor handle (OrtValue) with the memory it lies over. */
import { invariant } from "../../../compiler/errors.js";
import type { TensorType } from "../../../compiler/ir/graph.js";
import type { Buffer, SharedBuffer } from "../engine.js";
import type { Handle, OrtApi } from "./api.js";
import { tensorBytes } from "./element.js";

/** Copies between a device tensor and the host memory that it mirrors. */
export interface Mirror {
  pull(): void;
  push(): void;
}

/** What a buffer is made of. `memory` is the host memory it lies over; undefined when it lies on a device. */
export interface BufferParts {
  readonly type: TensorType;
  readonly value: Handle;
  readonly memory?: Uint8Array;
  readonly mirror?: Mirror;
  readonly onFree: (buffer: OrtBuffer) => void;
}

/** A buffer of this engine. Bindings that hold it keep its memory alive after `free`. */
export class OrtBuffer implements SharedBuffer {
  readonly type: TensorType;
  readonly bytes: number;
  readonly #api: OrtApi;
  readonly #parts: BufferParts;
  #freed = false;

  constructor(api: OrtApi, parts: BufferParts) {
    this.type = parts.type;
    this.bytes = tensorBytes(parts.type);
    this.#api = api;
    this.#parts = parts;
  }

  /** Bindings may still hold the tensor, but it is theirs alone. */
  get isFreed(): boolean {
    return this.#freed;
  }

  /** The library's handle. */
  get value(): Handle {
    invariant(!this.#freed, "a buffer is used after it was freed");
    return this.#parts.value;
  }

  /** The host memory under the tensor; undefined on a device. */
  get memory(): Uint8Array | undefined {
    invariant(!this.#freed, "a buffer is used after it was freed");
    return this.#parts.memory;
  }

  pull(): void {
    this.#parts.mirror?.pull();
  }

  push(): void {
    this.#parts.mirror?.push();
  }

  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#api.release("ReleaseValue", this.#parts.value);
    this.#parts.onFree(this);
  }
}

/** The buffer as one of ours. */
export function ownBuffer(buffer: Buffer): OrtBuffer {
  invariant(buffer instanceof OrtBuffer, "a buffer of another engine is used with this one");
  return buffer;
}
