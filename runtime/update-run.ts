/** @file The optimizer update of one stage: one small graph, run in place on each piece of the stage's parameters. */
import type { StepScalars } from "../compiler/optimizer/update.js";
import type { Binding, Buffer, Engine } from "./engine/engine.js";
import type { SlabJournal } from "./slab-journal.js";

/** Tensors of one run of the graph: a slab of the arena, or a parameter. All have the same type. */
export interface UpdatePiece {
  readonly param: Buffer;
  readonly gradSum: Buffer;
  readonly states: readonly Buffer[];
  /** Index of the optimizer's group, whose scalars it takes. */
  readonly group: number | undefined;
}

/** The scalars of a group of parameters, or of those that are in none. */
export type GroupScalars = (group: number | undefined) => StepScalars;

/** In-place updates of the pieces of a stage. The buffers stay with the caller. */
export class UpdateRun {
  readonly #engine: Engine;
  readonly #journal: SlabJournal | undefined;
  /** By group, then by name. */
  readonly #scalars = new Map<number | undefined, ReadonlyMap<string, Buffer>>();
  readonly #gradSums: readonly Buffer[];
  readonly #zeros: readonly Uint8Array[];
  readonly #bindings: readonly Binding[];
  readonly #owned: readonly { free(): void }[];

  /**
   * Requires: `model` is an update graph for tensors of the pieces' types; the pieces are the journal's slabs, if there
   * is one.
   */
  constructor(model: Uint8Array, pieces: readonly UpdatePiece[], engine: Engine, journal?: SlabJournal) {
    this.#engine = engine;
    this.#journal = journal;
    const program = engine.load(model);
    const [first] = pieces;
    const names = program.inputs.slice(2 + first!.states.length);
    for (const { group } of pieces) {
      if (this.#scalars.has(group)) continue;
      this.#scalars.set(group, new Map(names.map((name) => [name, engine.allocate({ dtype: "float32", shape: [] })])));
    }
    this.#gradSums = pieces.map(({ gradSum }) => gradSum);
    const longest = new Uint8Array(Math.max(...pieces.map(({ gradSum }) => gradSum.bytes)));
    this.#zeros = pieces.map(({ gradSum }) => longest.subarray(0, gradSum.bytes));
    this.#bindings = pieces.map(({ param, gradSum, states, group }) => {
      const inputs = [param, gradSum, ...states, ...this.#scalars.get(group)!.values()];
      const outputs = [param, ...states];
      return program.bind(
        new Map(program.inputs.map((name, index) => [name, inputs[index]!])),
        new Map(program.outputs.map((name, index) => [name, outputs[index]!])),
      );
    });
    this.#owned = [...this.#bindings, program, ...[...this.#scalars.values()].flatMap((own) => [...own.values()])];
  }

  /** Forgets the update of the step before. Call at the begin of every step. */
  begin(): void {
    this.#journal?.begin();
  }

  /** Updates every piece that a lost process has not updated yet, and sets the gradient sums to zero. */
  run(scalars: GroupScalars): void {
    for (const [group, buffers] of this.#scalars) {
      for (const { name, value } of scalars(group))
        this.#engine.write(buffers.get(name)!, new Uint8Array(Float32Array.of(value).buffer));
    }
    this.#journal?.restore();
    const done = this.#journal?.done ?? 0;
    for (let piece = 0; piece < this.#bindings.length; piece++) {
      if (piece >= done) {
        this.#journal?.keep(piece);
        this.#bindings[piece]!.run();
        this.#journal?.complete(piece);
      }
      this.#engine.write(this.#gradSums[piece]!, this.#zeros[piece]!);
    }
  }

  /** Sets all gradient sums to zero. */
  clearGradients(): void {
    for (const [piece, gradSum] of this.#gradSums.entries()) this.#engine.write(gradSum, this.#zeros[piece]!);
  }

  free(): void {
    for (const item of this.#owned) item.free();
  }
}
