/** @file The engine over ONNX Runtime: sessions, tensors and node times on one kind of device. */
import { invariant } from "../../../compiler/errors.js";
import type { DeviceKind } from "../../../compiler/profile/profile.js";
import { nodeFiles } from "../../env/node-files.js";
import type { Files } from "../../env/env.js";
import type { Buffer, Engine, NodeTimes } from "../engine.js";
import { ortApi } from "./api.js";
import type { Handle, OrtApi } from "./api.js";
import { ownBuffer } from "./buffer.js";
import { deviceMemory } from "./device-memory.js";
import { hostMemory } from "./host-memory.js";
import type { TensorMemory } from "./memory.js";
import { leastNodeTimes } from "./node-times.js";
import { PASS_THROUGH_MODEL } from "./pass-through.js";
import { OrtProgram } from "./program.js";
import { onProvider, providerOf } from "./provider.js";
import { QUIET, createSession, takeText } from "./session.js";
import type { SessionSettings } from "./session.js";
import { shareWorkspace, workspacePeakBytes } from "./workspace.js";

/** How an engine is made. */
export interface OrtEngineOptions {
  /** Kind of device; "cpu" when left out. */
  readonly kind?: DeviceKind;
  /** Which device of the kind, from 0; 0 when left out. */
  readonly device?: number;
  /** Threads within a node; 1 when left out. The last bits of some kernels, such as those of convolutions, depend on it. */
  readonly threads?: number;
  /** Files that the profiler's output is read from: real ones, since the library writes it itself. */
  readonly files?: Files;
}

/** Runs that `timeNodes` makes before it counts. */
const WARMUPS = 2;

/**
 * An engine over ONNX Runtime.
 * @throws PipewrightError FILE when the library is missing, USAGE when the provider of the device is; both say how to get it.
 */
export function createOrtEngine(options: OrtEngineOptions = {}): Engine {
  const { kind = "cpu", device = 0, threads = 1, files = nodeFiles() } = options;
  invariant(Number.isInteger(threads) && threads >= 1, `an engine has ${threads} threads`);
  const api = ortApi();
  const env = api.create("CreateEnv", QUIET, "pipewright");
  try {
    shareWorkspace(api, env);
    if (kind === "cpu") {
      return new OrtEngine({ api, env, kind, files, settings: { threads }, memory: hostMemory(api) });
    }
    const provider = providerOf(kind, device);
    const settings: SessionSettings = { threads, addProvider: (session) => provider.add(api, session) };
    const standing = onProvider(kind, provider, () => {
      provider.prepare(api, env);
      return createSession(api, env, PASS_THROUGH_MODEL, settings);
    });
    const memory = deviceMemory(api, env, standing, provider.memoryName, device);
    return new OrtEngine({ api, env, kind, files, settings, memory, standing });
  } catch (error) {
    api.release("ReleaseEnv", env);
    throw error;
  }
}

interface EngineParts {
  readonly api: OrtApi;
  readonly env: Handle;
  readonly kind: DeviceKind;
  readonly files: Files;
  readonly settings: SessionSettings;
  readonly memory: TensorMemory;
  /** The session that holds the device's memory. */
  readonly standing?: Handle;
}

/** Closed while a graph runs, it goes when that has ended. */
class OrtEngine implements Engine {
  readonly kind: DeviceKind;
  readonly version: string;
  readonly #parts: EngineParts;
  readonly #programs = new Set<OrtProgram>();
  #closed = false;

  constructor(parts: EngineParts) {
    this.kind = parts.kind;
    this.version = `ONNX Runtime ${parts.api.version}`;
    this.#parts = parts;
  }

  load(model: Uint8Array): OrtProgram {
    return this.#load(model, this.#parts.settings);
  }

  allocate(type: Buffer["type"]): Buffer {
    return this.#parts.memory.allocate(type);
  }

  adopt(memory: Uint8Array, type: Buffer["type"]): ReturnType<Engine["adopt"]> {
    return this.#parts.memory.adopt(memory, type);
  }

  write(buffer: Buffer, bytes: Uint8Array): void {
    invariant(
      bytes.byteLength === buffer.bytes,
      `${bytes.byteLength} bytes are written to a buffer of ${buffer.bytes}`,
    );
    this.#parts.memory.write(ownBuffer(buffer), bytes);
  }

  read(buffer: Buffer): Uint8Array {
    return this.#parts.memory.read(ownBuffer(buffer));
  }

  copy(from: Buffer, to: Buffer): void {
    invariant(from.bytes === to.bytes, `${from.bytes} bytes are copied to a buffer of ${to.bytes}`);
    this.#parts.memory.copy(ownBuffer(from), ownBuffer(to));
  }

  async timeNodes(
    model: Uint8Array,
    inputs: ReadonlyMap<string, Buffer>,
    outputs: ReadonlyMap<string, Buffer>,
    repeat: number,
    turn?: () => Promise<void>,
  ): Promise<NodeTimes> {
    const { api, files, settings } = this.#parts;
    const directory = await files.temporaryDirectory();
    try {
      const program = this.#load(model, { ...settings, profilePrefix: `${directory}/profile` });
      let path: string;
      try {
        const binding = program.bind(inputs, outputs);
        for (let run = 0; run < WARMUPS + repeat; run++) {
          await turn?.();
          binding.run();
        }
        path = takeText(api, "SessionEndProfiling", program.session);
      } finally {
        program.free();
      }
      return leastNodeTimes(new TextDecoder().decode(await files.read(path)), WARMUPS, WARMUPS + repeat);
    } finally {
      await files.remove(directory);
    }
  }

  get workspacePeakBytes(): number {
    const [program] = this.#programs;
    return program && this.kind === "cpu" ? workspacePeakBytes(this.#parts.api, program.session) : 0;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#programs.size === 0) this.#release();
    for (const program of [...this.#programs]) program.free();
  }

  #load(model: Uint8Array, settings: SessionSettings): OrtProgram {
    invariant(!this.#closed, "an engine is used after it was closed");
    const program = new OrtProgram(this.#parts.api, this.#parts.env, model, settings, (gone) => {
      this.#programs.delete(gone);
      if (this.#closed && this.#programs.size === 0) this.#release();
    });
    this.#programs.add(program);
    return program;
  }

  #release(): void {
    const { api, env, memory, standing } = this.#parts;
    memory.close();
    if (standing !== undefined) api.release("ReleaseSession", standing);
    api.release("ReleaseEnv", env);
  }
}
