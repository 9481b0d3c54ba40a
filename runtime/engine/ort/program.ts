/** @file A loaded graph: a session, its names and its bindings. */
import { PipewrightError, invariant } from "../../../compiler/errors.js";
import { engineName, ownName } from "../../../compiler/names.js";
import type { Binding, Buffer, Program } from "../engine.js";
import { OrtError } from "./api.js";
import type { Handle, OrtApi } from "./api.js";
import { OrtBinding } from "./binding.js";
import { ownBuffer } from "./buffer.js";
import type { OrtBuffer } from "./buffer.js";
import { QUIET, createSession, sessionNames } from "./session.js";
import type { SessionSettings } from "./session.js";

/** A session that can be bound. It frees its bindings; a run under way ends first. */
export class OrtProgram implements Program {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly session: Handle;
  readonly runOptions: Handle;
  readonly #api: OrtApi;
  readonly #onGone: (program: OrtProgram) => void;
  readonly #bindings = new Set<OrtBinding>();
  #freed = false;

  /** @throws PipewrightError MODEL_UNSUPPORTED with the library's reason. */
  constructor(
    api: OrtApi,
    env: Handle,
    model: Uint8Array,
    settings: SessionSettings,
    onGone: (program: OrtProgram) => void,
  ) {
    this.#api = api;
    this.#onGone = onGone;
    this.session = loadSession(api, env, model, settings);
    this.inputs = sessionNames(api, this.session, "Input").map(ownName);
    this.outputs = sessionNames(api, this.session, "Output").map(ownName);
    this.runOptions = api.create("CreateRunOptions");
    api.check("RunOptionsSetRunLogSeverityLevel", this.runOptions, QUIET);
  }

  bind(inputs: ReadonlyMap<string, Buffer>, outputs: ReadonlyMap<string, Buffer>): Binding {
    invariant(!this.#freed, "a program is bound after it was freed");
    const binding = new OrtBinding(
      this.#api,
      this,
      ownBuffers("input", this.inputs, inputs),
      ownBuffers("output", this.outputs, outputs),
      (gone) => this.#forget(gone),
    );
    this.#bindings.add(binding);
    return binding;
  }

  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    if (this.#bindings.size === 0) this.#release();
    for (const binding of [...this.#bindings]) binding.free();
  }

  #forget(binding: OrtBinding): void {
    this.#bindings.delete(binding);
    if (this.#freed && this.#bindings.size === 0) this.#release();
  }

  #release(): void {
    this.#api.release("ReleaseRunOptions", this.runOptions);
    this.#api.release("ReleaseSession", this.session);
    this.#onGone(this);
  }
}

function loadSession(api: OrtApi, env: Handle, model: Uint8Array, settings: SessionSettings): Handle {
  try {
    return createSession(api, env, model, settings);
  } catch (error) {
    if (!(error instanceof OrtError)) throw error;
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      `engine: ONNX Runtime ${api.version} refuses the graph; ${error.message}. Check the node or the type that it names.`,
    );
  }
}

/** Checks that a map has every name and no other, and that the buffers are ours; the names are then the engine's. */
function ownBuffers(
  side: "input" | "output",
  names: readonly string[],
  buffers: ReadonlyMap<string, Buffer>,
): ReadonlyMap<string, OrtBuffer> {
  const missing = names.filter((name) => !buffers.has(name));
  const unknown = [...buffers.keys()].filter((name) => !names.includes(name));
  invariant(missing.length === 0, `binding lacks ${side} ${quoted(missing)}`);
  invariant(unknown.length === 0, `the program has no ${side} ${quoted(unknown)}; it has ${quoted(names)}`);
  return new Map([...buffers].map(([name, buffer]) => [engineName(name), ownBuffer(buffer)]));
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
