/** @file The optimizer update of one stage: one small graph, run in place on each slab of the stage's arena. */
import type { TensorType } from "../compiler/ir/graph.js";
import type { StepScalars } from "../compiler/optimizer/update.js";
import type { Binding, Buffer, Engine, SharedBuffer } from "./engine/engine.js";
import type { Arena, Region } from "./layout.js";

/** In-place updates of an arena. */
export class UpdateRun {
  readonly #engine: Engine;
  readonly #scalars = new Map<string, Buffer>();
  readonly #gradSums: SharedBuffer[] = [];
  readonly #bindings: Binding[] = [];
  readonly #owned: { free(): void }[] = [];
  readonly #zeros: Uint8Array;

  /** Requires: `model` is an update graph for slabs of the arena's size. */
  constructor(model: Uint8Array, arena: Arena, engine: Engine, memory: Uint8Array) {
    this.#engine = engine;
    const slabBytes = arena.slabElements * 4;
    this.#zeros = new Uint8Array(slabBytes);
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

  /** Updates every slab and sets its gradient sums to zero. */
  run(scalars: StepScalars): void {
    for (const { name, value } of scalars) {
      this.#engine.write(this.#scalars.get(name)!, new Uint8Array(Float32Array.of(value).buffer));
    }
    for (const [slab, binding] of this.#bindings.entries()) {
      binding.run();
      this.#engine.write(this.#gradSums[slab]!, this.#zeros);
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
