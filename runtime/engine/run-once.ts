/** @file Runs a graph once on tensors from host memory, for checks. Training keeps its tensors on the device instead. */
import type { TensorType } from "../../compiler/ir/graph.js";
import type { StoredTensor, Tensors } from "../../compiler/plan/safetensors.js";
import type { Buffer, Engine, Program } from "./engine.js";

/**
 * Loads `model`, runs it and gives its outputs.
 * Requires: `inputs` holds every input; `outputs` the type of every output.
 * @throws PipewrightError MODEL_UNSUPPORTED when the engine refuses the graph; an Error with the engine's reason when it
 * fails in running, also when an output does not have the type that `outputs` says.
 */
export function runOnce(
  engine: Engine,
  model: Uint8Array,
  inputs: Tensors,
  outputs: ReadonlyMap<string, TensorType>,
): Tensors {
  const program = engine.load(model);
  const buffers: Buffer[] = [];
  try {
    return runProgram(engine, program, inputs, outputs, buffers);
  } finally {
    program.free();
    for (const buffer of buffers) buffer.free();
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
  program.bind(from, to).run();
  return new Map(
    [...outputs].map(([name, { dtype, shape }]): [string, StoredTensor] => [
      name,
      // The engine leaves the buffer of an output alone that is an input too.
      inputs.get(name) ?? { dtype, shape, bytes: engine.read(to.get(name)!) },
    ]),
  );
}
