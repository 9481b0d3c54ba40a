/** @file Measures what a model costs on an engine: the time of every node, summed per forward node and phase. */
import { withGradientSums } from "../compiler/autodiff/gradient-sums.js";
import type { Differentiated } from "../compiler/autodiff/differentiated.js";
import type { TensorType, Value } from "../compiler/ir/graph.js";
import { tensorBytes } from "../compiler/ir/literal.js";
import { exportProgram } from "../compiler/onnx/export.js";
import { OPS } from "../compiler/ops/registry.js";
import type { OptimizerSpec } from "../compiler/plan/plan.js";
import { graphDigest } from "../compiler/profile/digest.js";
import { ownerCosts } from "../compiler/profile/owner-costs.js";
import type { Profile } from "../compiler/profile/profile.js";
import type { Buffer, Engine } from "./engine/engine.js";
import { measureOverheads } from "./measure-overheads.js";
import type { Timing } from "./time-runs.js";
import { timeRuns } from "./time-runs.js";

export interface MeasureOptions extends Timing {
  /** Whose update is timed. Left out: AdamW's. */
  readonly optimizer?: OptimizerSpec;
  /** Start values of parameters, by name; those left out are filled with small numbers. */
  readonly weights?: ReadonlyMap<string, Uint8Array>;
}

/**
 * Times forward and backward of one microbatch, node by node.
 *
 * The sums of gradients over microbatches count with the gradients. Node times come from the engine's own profiler; they
 * are then scaled so that their sum is the time of an undisturbed run, because profiling itself takes time at every node.
 * Ensures: a cost for every forward node, in ms per microbatch.
 */
export async function measureProfile(
  differentiated: Differentiated,
  engine: Engine,
  options: MeasureOptions,
): Promise<Profile> {
  const { differentiated: whole, sums } = withGradientSums(differentiated, OPS);
  const { graph } = whole;
  const gradients = new Set(differentiated.parameterGrads.map(({ grad }) => grad.id));
  const outputs = [...uniqueOutputs(whole).filter(({ id }) => !gradients.has(id)), ...sums.map(({ next }) => next)];
  const inputs = [...graph.inputs, ...graph.params];
  const model = exportProgram({ name: "profile", inputs, outputs, nodes: graph.nodes });
  const owned: Buffer[] = [];
  const allocate = (value: Value): [string, Buffer] => {
    const buffer = engine.allocate(value.type);
    owned.push(buffer);
    return [value.name, buffer];
  };
  const inputBuffers = new Map(inputs.map(allocate));
  const replaced = new Set(sums.map(({ next }) => next.name));
  const outputBuffers = new Map(outputs.filter(({ name }) => !replaced.has(name)).map(allocate));
  for (const { sum, next } of sums) outputBuffers.set(next.name, inputBuffers.get(sum.name)!);
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
      graphDigest: graphDigest(differentiated.graph),
      nodes: ownerCosts(whole, (node) => (times.get(node.name) ?? 0) * scale),
      overheads: measureOverheads(engine, options),
    };
  } finally {
    for (const buffer of owned) buffer.free();
  }
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
