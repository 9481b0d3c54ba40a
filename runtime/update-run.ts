/** @file The optimizer update of one stage: one small graph, run in place on each slab of the stage's arena. */
import type { TensorType } from "../compiler/ir/graph.js";
import type { StepScalars } from "../compiler/optimizer/update.js";
import type { Binding, Buffer, Engine, SharedBuffer } from "./engine/engine.js";
import type { Arena, Region } from "./layout.js";

/**
 * In-place updates of an arena that survive their process: before a slab changes, its old content is put aside in the
 * shared memory, so that whoever takes over restores the slab in work and goes on from there.
 */
export class UpdateRun {
  readonly #engine: Engine;
  readonly #scalars = new Map<string, Buffer>();
  readonly #gradSums: SharedBuffer[] = [];
  /** By slab: the shared memory of what its update changes. */
  readonly #changed: (readonly Uint8Array[])[] = [];
  readonly #undo: Uint8Array;
  /** Slabs done in this step, and 1 + the slab that `#undo` holds. */
  readonly #marker: Int32Array;
  readonly #bindings: Binding[] = [];
  readonly #owned: { free(): void }[] = [];
  readonly #zeros: Uint8Array;

  /** Requires: `model` is an update graph for slabs of the arena's size. */
  constructor(model: Uint8Array, arena: Arena, engine: Engine, memory: Uint8Array) {
    this.#engine = engine;
    const slabBytes = arena.slabElements * 4;
    this.#zeros = new Uint8Array(slabBytes);
    this.#undo = memory.subarray(arena.undo.offset, arena.undo.offset + arena.undo.length);
    this.#marker = new Int32Array(memory.buffer, memory.byteOffset + arena.marker.offset, 2);
    const program = engine.load(model);
    const tensors = 2 + arena.states.length;
    for (const name of program.inputs.slice(tensors)) {
      this.#scalars.set(name, engine.allocate({ dtype: "float32", shape: [1] }));
    }
    const type: TensorType = { dtype: "float32", shape: [arena.slabElements] };
    for (let slab = 0; slab < arena.slabs; slab++) {
      const at = ({ offset }: Region): SharedBuffer => {
        const start = offset + slab * slabBytes;
        const buffer = engine.adopt(memory.subarray(start, start + slabBytes), type);
        this.#owned.push(buffer);
        return buffer;
      };
      this.#changed.push(
        [arena.params, ...arena.states].map(({ offset }) => {
          const start = offset + slab * slabBytes;
          return memory.subarray(start, start + slabBytes);
        }),
      );
      const param = at(arena.params);
      const gradSum = at(arena.gradSums);
      const states = arena.states.map(at);
      this.#gradSums.push(gradSum);
      const inputs = [param, gradSum, ...states, ...this.#scalars.values()];
      const outputs = [param, ...states];
      this.#bindings.push(
        program.bind(
          new Map(program.inputs.map((name, index) => [name, inputs[index]!])),
          new Map(program.outputs.map((name, index) => [name, outputs[index]!])),
        ),
      );
    }
    this.#owned.unshift(...this.#bindings, program);
    this.#owned.push(...this.#scalars.values());
  }

  /** Forgets the update of the step before. Call at the begin of every step. */
  begin(): void {
    this.#marker.fill(0);
  }

  /** Updates every slab that is not updated yet, and sets its gradient sums to zero. */
  run(scalars: StepScalars): void {
    for (const { name, value } of scalars) {
      this.#engine.write(this.#scalars.get(name)!, new Uint8Array(Float32Array.of(value).buffer));
    }
    this.#restore();
    for (let slab = this.#marker[0]!; slab < this.#bindings.length; slab++) {
      this.#keep(slab);
      this.#bindings[slab]!.run();
      this.#marker[0] = slab + 1;
      this.#engine.write(this.#gradSums[slab]!, this.#zeros);
    }
  }

  /** Puts the content of a slab aside. */
  #keep(slab: number): void {
    for (const [index, bytes] of this.#changed[slab]!.entries()) this.#undo.set(bytes, index * this.#zeros.length);
    this.#marker[1] = slab + 1;
  }

  /** Takes over from a lost process: the slab that it was working on is as before, those that it did are as after. */
  #restore(): void {
    const done = this.#marker[0]!;
    for (const gradSum of this.#gradSums.slice(0, done)) this.#engine.write(gradSum, this.#zeros);
    const slab = this.#marker[1]! - 1;
    if (slab < done) return;
    for (const [index, bytes] of this.#changed[slab]!.entries()) {
      const start = index * this.#zeros.length;
      bytes.set(this.#undo.subarray(start, start + bytes.length));
    }
  }

  /** Sets all gradient sums to zero. */
  clearGradients(): void {
    for (const gradSum of this.#gradSums) this.#engine.write(gradSum, this.#zeros);
  }

  free(): void {
    for (const item of this.#owned) item.free();
  }
}
