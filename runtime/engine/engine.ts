/**
 * @file The engine interface: load ONNX graphs, hold tensors on a device, run graphs on tensors that stay there.
 * Everything is spoken of as device-resident buffers; on the CPU kind a buffer is host memory and copies are cheap or none.
 */
import type { TensorType } from "../../compiler/ir/graph.js";
import type { DeviceKind } from "../../compiler/profile/profile.js";

/**
 * Tensors in host memory start at a multiple of this, because kernels that peel off unaligned elements would add in
 * another order otherwise. Who lays out shared slots rounds their offsets up to it.
 */
export const ALIGNMENT_BYTES = 64;

/** A tensor on the engine's device. Dense, row-major. */
export interface Buffer {
  readonly type: TensorType;
  readonly bytes: number;
  free(): void;
}

/** A graph with all its inputs and outputs bound to buffers; running it moves no memory. */
export interface Binding {
  /** Runs on the calling thread and returns when the outputs are written. */
  run(): void;
  /** Runs on a thread of the engine. */
  runAsync(): Promise<void>;
  free(): void;
}

/** A loaded graph. */
export interface Program {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Binds every input and every output by name. An output may share its buffer with an input where the graph
   * allows it to be computed in place.
   * @throws an internal error that names a missing or unknown name.
   */
  bind(inputs: ReadonlyMap<string, Buffer>, outputs: ReadonlyMap<string, Buffer>): Binding;
  free(): void;
}

/**
 * Time of each node of a program, in milliseconds per run, by node name. Nodes that the engine put in, such as copies
 * to the CPU, have names of their own. On devices other than the CPU it is the time of handing the work over.
 */
export type NodeTimes = ReadonlyMap<string, number>;

export interface Engine {
  readonly kind: DeviceKind;
  /** Name and version of the library, for reports and fingerprints. */
  readonly version: string;
  /** @throws PipewrightError MODEL_UNSUPPORTED with the library's reason. */
  load(model: Uint8Array): Program;
  /** Uninitialised memory on the device. */
  allocate(type: TensorType): Buffer;
  /**
   * A buffer over host memory that others see too, such as a shared slot. The CPU kind uses the memory in place;
   * other kinds keep a device copy that `pull` and `push` bring up to date.
   * Requires: as many bytes as the type has, at a multiple of ALIGNMENT_BYTES; the memory outlives the buffer.
   */
  adopt(memory: Uint8Array, type: TensorType): SharedBuffer;
  /** Host to device. Requires: as many bytes as the buffer has. */
  write(buffer: Buffer, bytes: Uint8Array): void;
  /** Device to host, into fresh memory. */
  read(buffer: Buffer): Uint8Array;
  /** Device to device. */
  copy(from: Buffer, to: Buffer): void;
  /**
   * Runs the program `repeat` times on the bound buffers and gives each node's time; the least of the runs counts for
   * each. `turn` is awaited between runs, and what it throws ends them.
   */
  timeNodes(
    model: Uint8Array,
    inputs: ReadonlyMap<string, Buffer>,
    outputs: ReadonlyMap<string, Buffer>,
    repeat: number,
    turn?: () => Promise<void>,
  ): Promise<NodeTimes>;
  /** Most bytes that the engine has taken for values inside programs, over all programs so far; 0 if the kind cannot tell. */
  readonly workspacePeakBytes: number;
  close(): void;
}

/** A buffer over memory that another process writes or reads. Both calls do nothing on the CPU kind. */
export interface SharedBuffer extends Buffer {
  /** Host memory to device, after the other side wrote it. */
  pull(): void;
  /** Device to host memory, before the other side reads it. */
  push(): void;
}
