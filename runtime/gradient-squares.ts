/**
 * @file The squares of a step's gradients, in the memory that all workers share: each device notes those of its own
 * parameters, and whoever wants the norm adds them in the order of the model. So its bits do not depend on the stages.
 */
import { sumOfSquares } from "../compiler/optimizer/gradient-norm.js";
import type { Plan, PlanParameter } from "../compiler/plan/plan.js";
import type { SharedMemory } from "./env/env.js";
import type { Layout } from "./layout.js";

/** One float64 per trained parameter. It survives the worker that wrote it, as the gradient sums do. */
export class GradientSquares {
  readonly #trained: readonly PlanParameter[];
  readonly #indices: ReadonlyMap<string, number>;
  readonly #squares: Float64Array;
  readonly #microbatches: number;

  private constructor(trained: readonly PlanParameter[], squares: Float64Array, microbatches: number) {
    this.#trained = trained;
    this.#indices = new Map(trained.map(({ name }, index) => [name, index]));
    this.#squares = squares;
    this.#microbatches = microbatches;
  }

  /** Undefined when the plan clips no gradients. */
  static of(
    { parameters, microbatches }: Plan,
    { squares }: Layout,
    memory: SharedMemory,
  ): GradientSquares | undefined {
    if (!squares) return undefined;
    const trained = parameters.filter(({ trainable }) => trainable);
    const { buffer, byteOffset } = memory.view(squares.offset, squares.length);
    return new GradientSquares(trained, new Float64Array(buffer, byteOffset, trained.length), microbatches);
  }

  /** Notes a parameter's gradient sum. Requires: it is the sum over all microbatches. */
  note(name: string, gradSum: Float32Array): void {
    this.#squares[this.#indices.get(name)!] = sumOfSquares(gradSum);
  }

  /** Norm of the mean gradient over the microbatches, of all parameters together. Requires: every parameter is noted. */
  get norm(): number {
    return Math.sqrt(this.#squares.reduce((sum, square) => sum + square, 0)) / this.#microbatches;
  }

  /** The first parameter of the model whose gradient is not finite. */
  get firstNotFinite(): PlanParameter | undefined {
    return this.#trained[this.#squares.findIndex((square) => !Number.isFinite(square))];
  }
}
