/** @file Regions of the shared memory as arrays, each made once: an array of mapped memory costs more than a look-up. */
import type { SharedMemory } from "./env/env.js";
import type { Region } from "./layout.js";

/** Arrays over one shared memory. It may be longer than an array can be; its regions may not. */
export class RegionViews {
  readonly #memory: SharedMemory;
  readonly #views = new Map<Region, Uint8Array>();

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** The bytes of a region. Requires: it is a region of a layout, which stays the same object. */
  of(region: Region): Uint8Array {
    let view = this.#views.get(region);
    if (!view) this.#views.set(region, (view = this.#memory.view(region.offset, region.length)));
    return view;
  }
}

/** The float32 elements of a region, which starts at a cache line. */
export function floatsOf({ buffer, byteOffset, length }: Uint8Array): Float32Array {
  return new Float32Array(buffer, byteOffset, length / Float32Array.BYTES_PER_ELEMENT);
}
