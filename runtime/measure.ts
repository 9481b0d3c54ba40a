/** @file Measures what a model costs on an engine: the time of every node, summed per forward node and phase. */
import type { Differentiated } from "../compiler/autodiff/differentiated.js";
import type { WithSums } from "../compiler/plan/gradient-sums.js";
import { withGradientSums } from "../compiler/plan/gradient-sums.js";
import type { Half } from "../compiler/plan/halves.js";
import { halvesOf } from "../compiler/plan/halves.js";
import type { ClusterSpec } from "../compiler/cluster.js";
import type { Node, TensorType, Value } from "../compiler/ir/graph.js";
import { elementCount, tensorBytes } from "../compiler/ir/literal.js";
import { exportProgram } from "../compiler/onnx/export.js";
import { OPS } from "../compiler/ops/registry.js";
import type { OptimizerSpec } from "../compiler/plan/plan.js";
import { graphDigest } from "../compiler/profile/digest.js";
import { ownerCosts } from "../compiler/profile/owner-costs.js";
import type { DeviceSpec, Profile } from "../compiler/profile/profile.js";
import type { Buffer, Engine } from "./engine/engine.js";
import type { Clock } from "./env/env.js";
import { measureOverheads } from "./measure-overheads.js";
import { timeRuns } from "./time-runs.js";

export interface MeasureOptions {
  /** Timed runs. */
  readonly repeat: number;
  readonly clock: Clock;
  /** Copies of the model that compute at the same time; see `concurrencyOf`. Default 1. */
  readonly concurrency?: number;
  /** Awaited between runs: gives others their turn, and ends the measurement by what it throws. */
  readonly turn?: () => Promise<void>;
  /** Whose update is timed. Left out: AdamW's. */
  readonly optimizer?: OptimizerSpec;
  /** Start values of parameters, by name; those left out are filled with small numbers. */
  readonly weights?: ReadonlyMap<string, Uint8Array>;
}

/** Copies that an engine of this process can run at once: on this thread, and on the four that Node has for such work. */
const MOST_COPIES = 5;

/** How many devices of a cluster on this machine compute at the same time where `device` does: CPUs, while cores last. */
export function concurrencyOf({ devices }: ClusterSpec, { kind, threads = 1 }: DeviceSpec, cores: number): number {
  if (kind !== "cpu") return 1;
  const sharing = devices.filter((other) => other.kind === kind).length;
  return Math.max(1, Math.min(sharing, Math.floor(cores / threads), MOST_COPIES));
}

/**
 * Times forward and backward of one microbatch, node by node.
 *
 * The sums of gradients over microbatches count with the gradients. Node times come from the engine's own profiler; they
 * are then scaled so that their sum is what the forward or the backward program takes in a run, because profiling itself
 * takes time at every node, and because devices disturb each other.
 * Ensures: a cost for every forward node, in ms per microbatch.
 */
export async function measureProfile(
  differentiated: Differentiated,
  engine: Engine,
  options: MeasureOptions,
): Promise<Profile> {
  const { concurrency = 1, optimizer, repeat, clock, turn } = options;
  const whole = withGradientSums(differentiated, OPS);
  const { forward, backward } = halvesOf(whole);
  const halves = [forward, backward].filter(({ nodes }) => nodes.length > 0);
  const memory = new ProfileMemory(engine, whole, options);
  try {
    const copies = Array.from({ length: concurrency }, () => memory.copy(halves));
    const times = await timeHalves(engine, halves, copies, options);
    const trained = differentiated.parameterGrads.reduce((sum, { of }) => sum + elementCount(of.type.shape), 0);
    const elements = Math.ceil(trained / concurrency);
    return {
      version: 1,
      source: "measured",
      deviceKind: engine.kind,
      concurrency,
      graphDigest: graphDigest(differentiated.graph),
      nodes: ownerCosts(whole.differentiated, ({ name }) => times.get(name) ?? 0),
      overheads: await measureOverheads(engine, {
        repeat,
        clock,
        elements,
        ...(optimizer && { optimizer }),
        ...(turn && { turn }),
      }),
    };
  } finally {
    memory.free();
  }
}

/** Buffers by the names of values. */
type Copy = ReadonlyMap<string, Buffer>;

/** Time of every node, by name. Requires: halves with nodes; buffers for all that they read and hand on. */
async function timeHalves(
  engine: Engine,
  halves: readonly Half[],
  copies: readonly Copy[],
  options: MeasureOptions,
): Promise<ReadonlyMap<string, number>> {
  const bound = (values: readonly Value[], copy: Copy): Map<string, Buffer> =>
    new Map(values.map(({ name }) => [name, copy.get(name)!]));
  const models = halves.map((half) => exportProgram({ name: "profile", ...half, nodes: half.nodes.map(numbered) }));
  const programs = models.map((model) => engine.load(model));
  try {
    const bindings = halves.map(({ inputs, outputs }, at) =>
      copies.map((copy) => programs[at]!.bind(bound(inputs, copy), bound(outputs, copy))),
    );
    const halfMs = await timeRuns(bindings, options);
    const times = new Map<string, number>();
    for (const [at, { inputs, outputs, nodes }] of halves.entries()) {
      const [copy] = copies as [Copy];
      const own = await engine.timeNodes(
        models[at]!,
        bound(inputs, copy),
        bound(outputs, copy),
        options.repeat,
        options.turn,
      );
      const sumMs = [...own.values()].reduce((sum, ms) => sum + ms, 0);
      for (const [name, ms] of own)
        times.set(nodes[Number(name)]?.name ?? name, sumMs > 0 ? (ms * halfMs[at]!) / sumMs : ms);
    }
    return times;
  } finally {
    for (const program of programs) program.free();
  }
}

/** A node under its place in the list: what the engine writes of nodes is no valid text with every name. */
function numbered(node: Node, at: number): Node {
  return { ...node, name: String(at) };
}

/** The tensors of copies of a model: inputs and parameters are shared, what is computed is each copy's own. */
class ProfileMemory {
  readonly #engine: Engine;
  readonly #sums: WithSums["sums"];
  readonly #given: Copy;
  readonly #owned: Buffer[] = [];

  constructor(engine: Engine, { differentiated: { graph }, sums }: WithSums, { weights }: MeasureOptions) {
    this.#engine = engine;
    this.#sums = sums;
    const summed = new Set(sums.map(({ sum }) => sum.id));
    const given = [...graph.inputs, ...graph.params].filter(({ id }) => !summed.has(id));
    this.#given = new Map(given.map((value) => [value.name, this.#filled(value, weights?.get(value.name))]));
  }

  /** Buffers for one more copy of the halves. */
  copy(halves: readonly Half[]): Copy {
    const copy = new Map(this.#given);
    for (const { sum, next } of this.#sums) {
      const buffer = this.#filled(sum, undefined);
      copy.set(sum.name, buffer).set(next.name, buffer);
    }
    for (const value of halves.flatMap(({ outputs }) => outputs))
      if (!copy.has(value.name)) copy.set(value.name, this.#allocate(value));
    return copy;
  }

  free(): void {
    for (const buffer of this.#owned) buffer.free();
  }

  #filled(value: Value, bytes: Uint8Array | undefined): Buffer {
    const buffer = this.#allocate(value);
    this.#engine.write(buffer, bytes ?? smallNumbers(value.type));
    return buffer;
  }

  #allocate({ type }: Value): Buffer {
    const buffer = this.#engine.allocate(type);
    this.#owned.push(buffer);
    return buffer;
  }
}

/** Zeros for integers, which are valid indices; values around 0.01 for float32, so that no arithmetic is denormal. */
function smallNumbers(type: TensorType): Uint8Array {
  const bytes = new Uint8Array(tensorBytes(type));
  if (type.dtype !== "float32") return bytes;
  const numbers = new Float32Array(bytes.buffer);
  for (let index = 0; index < numbers.length; index++) numbers[index] = 0.01 * (((index * 7) % 19) - 9 || 1);
  return bytes;
}
