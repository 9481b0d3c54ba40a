/** @file Runs graphs on tensors from host memory, for checks. Training keeps its tensors on the device instead. */
import type { TensorType } from "../../compiler/ir/graph.js";
import type { StoredTensor, Tensors } from "../../compiler/plan/safetensors.js";
import type { Buffer, Engine, Program } from "./engine.js";

/** A loaded graph that takes and gives tensors in host memory. */
export interface HostProgram {
  /**
   * Requires: a tensor for every input.
   * @throws an Error with the engine's reason, also when an output does not have the type that was promised.
   */
  run(inputs: Tensors): Tensors;
  free(): void;
}

/**
 * Loads `model`, whose outputs have the types that `outputs` promises.
 * @throws PipewrightError MODEL_UNSUPPORTED when the engine refuses the graph.
 */
export function loadForHost(engine: Engine, model: Uint8Array, outputs: ReadonlyMap<string, TensorType>): HostProgram {
  const program = engine.load(model);
  return {
    run: (inputs) => {
      const buffers: Buffer[] = [];
      try {
        return runProgram(engine, program, inputs, outputs, buffers);
      } finally {
        for (const buffer of buffers) buffer.free();
      }
    },
    free: () => program.free(),
  };
}

/** Loads `model`, runs it once and gives its outputs. @throws as `loadForHost` and its `run`. */
export function runOnce(
  engine: Engine,
  model: Uint8Array,
  inputs: Tensors,
  outputs: ReadonlyMap<string, TensorType>,
): Tensors {
  const program = loadForHost(engine, model, outputs);
  try {
    return program.run(inputs);
  } finally {
    program.free();
  }
}

/** Every buffer that is allocated is added to `buffers`. */
function runProgram(
  engine: Engine,
  program: Program,
  inputs: Tensors,
  outputs: ReadonlyMap<string, TensorType>,
  buffers: Buffer[],
): Tensors {
  const allocate = (type: TensorType): Buffer => {
    const buffer = engine.allocate(type);
    buffers.push(buffer);
    return buffer;
  };
  const from = new Map<string, Buffer>();
  for (const name of program.inputs) {
    const tensor = inputs.get(name);
    if (!tensor) continue;
    const buffer = allocate({ dtype: tensor.dtype, shape: tensor.shape });
    engine.write(buffer, tensor.bytes);
    from.set(name, buffer);
  }
  const to = new Map<string, Buffer>();
  for (const [name, type] of outputs) to.set(name, allocate(type));
  const binding = program.bind(from, to);
  try {
    binding.run();
  } finally {
    binding.free();
  }
  return new Map(
    [...outputs].map(([name, { dtype, shape }]): [string, StoredTensor] => [
      name,
      // The engine leaves the buffer of an output alone that is an input too.
      inputs.get(name) ?? { dtype, shape, bytes: engine.read(to.get(name)!) },
    ]),
  );
}
