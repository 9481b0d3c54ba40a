/** @file Measures what a model costs on an engine: the time of every node, summed per forward node and phase. */
import type { Differentiated } from "../compiler/autodiff/differentiated.js";
import type { TensorType, Value } from "../compiler/ir/graph.js";
import { tensorBytes } from "../compiler/ir/literal.js";
import { exportProgram } from "../compiler/onnx/export.js";
import { graphDigest } from "../compiler/profile/digest.js";
import { ownerCosts } from "../compiler/profile/owner-costs.js";
import type { Profile } from "../compiler/profile/profile.js";
import type { Buffer, Engine } from "./engine/engine.js";
import type { Clock } from "./env/env.js";

export interface MeasureOptions {
  /** Timed runs; the fastest counts, since everything that disturbs a run makes it slower. */
  readonly repeat: number;
  readonly clock: Clock;
  /** Start values of parameters, by name; those left out are filled with small numbers. */
  readonly weights?: ReadonlyMap<string, Uint8Array>;
}

/**
 * Times forward and backward of one microbatch, node by node.
 *
 * Node times come from the engine's own profiler; they are then scaled so that their sum is the time of an undisturbed
 * run, because profiling itself takes time at every node.
 * Ensures: a cost for every forward node, in ms per microbatch.
 */
export async function measureProfile(
  differentiated: Differentiated,
  engine: Engine,
  options: MeasureOptions,
): Promise<Profile> {
  const { graph } = differentiated;
  const outputs = uniqueOutputs(differentiated);
  const inputs = [...graph.inputs, ...graph.params];
  const model = exportProgram({ name: "profile", inputs, outputs, nodes: graph.nodes });
  const owned: Buffer[] = [];
  const allocate = (value: Value): [string, Buffer] => {
    const buffer = engine.allocate(value.type);
    owned.push(buffer);
    return [value.name, buffer];
  };
  const inputBuffers = new Map(inputs.map(allocate));
  const outputBuffers = new Map(outputs.map(allocate));
  for (const { name, type } of inputs) {
    engine.write(inputBuffers.get(name)!, options.weights?.get(name) ?? smallNumbers(type));
  }
  try {
    const times = await engine.timeNodes(model, inputBuffers, outputBuffers, options.repeat);
    const wholeMs = timeRuns(engine, model, inputBuffers, outputBuffers, options);
    const sumMs = [...times.values()].reduce((sum, ms) => sum + ms, 0);
    const scale = sumMs > 0 ? wholeMs / sumMs : 1;
    return {
      version: 1,
      source: "measured",
      deviceKind: engine.kind,
      graphDigest: graphDigest(graph),
      nodes: ownerCosts(differentiated, (node) => (times.get(node.name) ?? 0) * scale),
    };
  } finally {
    for (const buffer of owned) buffer.free();
  }
}

/** Fastest of `repeat` runs, after one to warm up. */
function timeRuns(
  engine: Engine,
  model: Uint8Array,
  inputs: ReadonlyMap<string, Buffer>,
  outputs: ReadonlyMap<string, Buffer>,
  { repeat, clock }: MeasureOptions,
): number {
  const program = engine.load(model);
  const binding = program.bind(inputs, outputs);
  binding.run();
  let fastestMs = Infinity;
  for (let run = 0; run < repeat; run++) {
    const startMs = clock.nowMs();
    binding.run();
    fastestMs = Math.min(fastestMs, clock.nowMs() - startMs);
  }
  binding.free();
  program.free();
  return fastestMs;
}

/** The loss and all gradients, each tensor once, without those that no node makes. */
function uniqueOutputs({ graph }: Differentiated): readonly Value[] {
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs.map((value) => value?.id)));
  return [...new Map(graph.outputs.map((value) => [value.id, value])).values()].filter(({ id }) => made.has(id));
}

/** Zeros for integers, which are valid indices; values around 0.01 for float32, so that no arithmetic is denormal. */
function smallNumbers(type: TensorType): Uint8Array {
  const bytes = new Uint8Array(tensorBytes(type));
  if (type.dtype !== "float32") return bytes;
  const numbers = new Float32Array(bytes.buffer);
  for (let index = 0; index < numbers.length; index++) numbers[index] = 0.01 * (((index * 7) % 19) - 9 || 1);
  return bytes;
}
