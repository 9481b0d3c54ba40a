/** @file What makes updates survive their process: the old content of the slab in work, and how many slabs are done. */
import type { SharedMemory } from "./env/env.js";
import type { Arena, Region } from "./layout.js";

/**
 * Kept in the shared memory of a stage whose parameters lie there too. Before a slab changes, its old content is put
 * aside, so that whoever takes over restores the slab in work and goes on from there.
 */
export class SlabJournal {
  /** By slab: the memory of what its update changes. */
  readonly #changed: readonly (readonly Uint8Array[])[];
  readonly #undo: Uint8Array;
  /** Slabs done in this step, and 1 + the slab that `#undo` holds. */
  readonly #marker: Int32Array;

  constructor(arena: Arena, memory: SharedMemory) {
    const bytes = arena.slabElements * 4;
    const part = ({ offset }: Region, slab: number): Uint8Array => memory.view(offset + slab * bytes, bytes);
    this.#changed = Array.from({ length: arena.slabs }, (_, slab) =>
      [arena.params, ...arena.states].map((region) => part(region, slab)),
    );
    this.#undo = memory.view(arena.undo.offset, arena.undo.length);
    this.#marker = memory.words(arena.marker.offset, 2);
  }

  /** Slabs whose update is complete in this step. */
  get done(): number {
    return this.#marker[0]!;
  }

  /** Forgets the update of the step before. */
  begin(): void {
    this.#marker.fill(0);
  }

  /** Takes over from a lost process: the slab that it was working on becomes what it was before. */
  restore(): void {
    const slab = this.#marker[1]! - 1;
    if (slab < this.done) return;
    let start = 0;
    for (const bytes of this.#changed[slab]!) {
      bytes.set(this.#undo.subarray(start, start + bytes.length));
      start += bytes.length;
    }
  }

  /** Puts the content of a slab aside. Call before it changes. */
  keep(slab: number): void {
    let start = 0;
    for (const bytes of this.#changed[slab]!) {
      this.#undo.set(bytes, start);
      start += bytes.length;
    }
    this.#marker[1] = slab + 1;
  }

  /** Says that a slab has its new content. Its gradient sums may be cleared from now on. */
  complete(slab: number): void {
    this.#marker[0] = slab + 1;
  }
}
