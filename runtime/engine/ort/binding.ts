/** @file A session with tensors bound to its inputs and outputs (OrtIoBinding). */
import { PipewrightError, invariant } from "../../../compiler/errors.js";
import type { Binding } from "../engine.js";
import { OrtError } from "./api.js";
import type { Handle, OrtApi } from "./api.js";
import type { OrtBuffer } from "./buffer.js";

/** What a run needs of its program. */
export interface Runnable {
  readonly session: Handle;
  readonly runOptions: Handle;
}

/** One way of running a program. Freed while a run is under way, it goes when that has ended. */
export class OrtBinding implements Binding {
  readonly #api: OrtApi;
  readonly #program: Runnable;
  readonly #handle: Handle;
  readonly #onGone: (binding: OrtBinding) => void;
  /** Memory under the bound tensors: the library holds the tensors, this holds what they lie over. */
  readonly memories: readonly (Uint8Array | undefined)[];
  /**
   * Inputs on a device. The library copies those that a node reads on the CPU when they are bound, not when the graph
   * runs, so they are bound again before each run.
   */
  readonly #deviceInputs: readonly (readonly [string, OrtBuffer])[];
  #running = 0;
  #freed = false;

  constructor(
    api: OrtApi,
    program: Runnable,
    inputs: ReadonlyMap<string, OrtBuffer>,
    outputs: ReadonlyMap<string, OrtBuffer>,
    onGone: (binding: OrtBinding) => void,
  ) {
    this.#api = api;
    this.#program = program;
    this.#onGone = onGone;
    this.memories = [...inputs.values(), ...outputs.values()].map((buffer) => buffer.memory);
    this.#deviceInputs = [...inputs].filter(([, buffer]) => buffer.memory === undefined);
    this.#handle = api.create("CreateIoBinding", program.session);
    try {
      for (const [name, buffer] of inputs) api.check("BindInput", this.#handle, name, buffer.value);
      for (const [name, buffer] of outputs) api.check("BindOutput", this.#handle, name, buffer.value);
    } catch (error) {
      api.release("ReleaseIoBinding", this.#handle);
      throw runFailure(error);
    }
  }

  run(): void {
    this.#start();
    try {
      this.#api.check("RunWithBinding", this.#program.session, this.#program.runOptions, this.#handle);
    } catch (error) {
      throw runFailure(error);
    } finally {
      this.#end();
    }
  }

  async runAsync(): Promise<void> {
    this.#start();
    try {
      await this.#api.checkAsync("RunWithBinding", this.#program.session, this.#program.runOptions, this.#handle);
    } catch (error) {
      throw runFailure(error);
    } finally {
      this.#end();
    }
  }

  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    if (this.#running === 0) this.#release();
  }

  #start(): void {
    invariant(!this.#freed, "a binding runs after it was freed");
    for (const [name, buffer] of this.#deviceInputs)
      if (!buffer.isFreed) this.#api.check("BindInput", this.#handle, name, buffer.value);
    this.#running++;
  }

  #end(): void {
    this.#running--;
    if (this.#freed && this.#running === 0) this.#release();
  }

  #release(): void {
    this.#api.release("ReleaseIoBinding", this.#handle);
    this.#onGone(this);
  }
}

function runFailure(error: unknown): unknown {
  if (!(error instanceof OrtError)) return error;
  return new PipewrightError(
    "TRAINING_FAULT",
    `engine: a graph failed while it ran; ${error.message}. Lower the batch or the number of stages per device if memory is short; otherwise check the values that the named node reads.`,
  );
}
