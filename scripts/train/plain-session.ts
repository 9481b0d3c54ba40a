/**
 * @file One session of onnxruntime-node as it makes it when told how many threads to use: the whole training step of a
 * microbatch as one graph, and the optimizer's update. Nothing else of ours: tensors come and go as the package does it.
 */
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { DType, Shape, Value } from "../../compiler/ir/graph.js";
import { elementCount } from "../../compiler/ir/literal.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import { engineName } from "../../compiler/names.js";
import { exportGraph, exportProgram } from "../../compiler/onnx/export.js";
import { OPS } from "../../compiler/ops/registry.js";
import { ADAMW } from "../../compiler/optimizer/adamw.js";
import { stepScalars, updateGraph } from "../../compiler/optimizer/update.js";
import { withGradientSums } from "../../compiler/plan/gradient-sums.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { trainingGraph } from "../../compiler/training.js";
import type { Lesson } from "../../models/lesson.js";
import type { Batch } from "../../runtime/pipeline.js";

/** A trained parameter with what belongs to it; names as the graph has them. */
interface Trained {
  readonly parameter: string;
  readonly sum: string;
  readonly shape: Shape;
  readonly update: InferenceSession;
  states: readonly OrtTensor[];
}

export interface PlainStep {
  /** Wall time. */
  readonly ms: number;
  /** By microbatch. */
  readonly losses: readonly number[];
}

/** What a step needs besides the parameters. */
interface PlainSteps {
  readonly session: InferenceSession;
  readonly inputs: readonly Value[];
  readonly loss: string;
  readonly trained: readonly Trained[];
  /** What a microbatch leaves for the next, by name of what it takes the place of: gradient sums, running statistics. */
  readonly nextOf: ReadonlyMap<string, string>;
  /** Parameters and gradient sums by name. */
  readonly tensors: Map<string, OrtTensor>;
  /** Inputs of a step. Steps count from 0. */
  readonly batchOf: (step: number) => Promise<Batch>;
  readonly microbatches: number;
}

/** Trains a model step by step. */
export class PlainSession {
  readonly #own: PlainSteps;
  #taken = 0;

  private constructor(own: PlainSteps) {
    this.#own = own;
  }

  /** Requires: trained parameters are float32. */
  static async start(
    lesson: Lesson,
    weights: Tensors,
    { threads, microbatches, batchOf }: Pick<PlainSteps, "batchOf" | "microbatches"> & { readonly threads: number },
  ): Promise<PlainSession> {
    const options = { intraOpNumThreads: threads };
    const training = trainingGraph(lesson.built.graph, OPS, { loss: [parseLoss(lesson.loss)] });
    const { differentiated, sums } = withGradientSums(training.differentiated, OPS);
    const { graph, loss, parameterGrads } = differentiated;
    const program = exportProgram({
      name: "step",
      nodes: graph.nodes,
      inputs: [...graph.inputs, ...graph.params],
      outputs: [loss, ...sums.map(({ next }) => next), ...graph.states.map(({ next }) => next)],
    });
    const updates = new Map<string, InferenceSession>();
    const trained: Trained[] = [];
    const tensors = new Map<string, OrtTensor>();
    for (const { name, type } of graph.params)
      tensors.set(engineName(name), tensorOf(type.dtype, weights.get(name)!.bytes, type.shape));
    for (const [at, { of }] of parameterGrads.entries()) {
      const { shape } = of.type;
      const key = shape.join("x");
      const update = updates.get(key) ?? (await InferenceSession.create(updateModel(shape), options));
      updates.set(key, update);
      const sum = engineName(sums[at]!.sum.name);
      trained.push({ parameter: engineName(of.name), sum, shape, update, states: [zeros(shape), zeros(shape)] });
      tensors.set(sum, zeros(shape));
    }
    const nextOf = new Map([
      ...sums.map(({ sum, next }) => [engineName(sum.name), engineName(next.name)] as const),
      ...graph.states.map(({ param, next }) => [engineName(param.name), engineName(next.name)] as const),
    ]);
    const inputs = graph.inputs.filter((input) => sums.every(({ sum }) => sum.name !== input.name));
    const session = await InferenceSession.create(program, options);
    return new PlainSession({
      session,
      inputs,
      loss: engineName(loss.name),
      trained,
      nextOf,
      tensors,
      batchOf,
      microbatches,
    });
  }

  /** Takes steps one right after the other. Returns the last. */
  async steps(count: number): Promise<PlainStep> {
    const batches: Batch[] = [];
    for (let step = 0; step < count; step++) batches.push(await this.#own.batchOf(this.#taken + step));
    let last: PlainStep | undefined;
    for (const batch of batches) last = await this.#step(batch);
    return last!;
  }

  async #step(batch: Batch): Promise<PlainStep> {
    const { session, inputs, loss, trained, nextOf, tensors, microbatches } = this.#own;
    const startMs = performance.now();
    const losses: number[] = [];
    const fetches = [loss, ...nextOf.values()];
    for (let microbatch = 0; microbatch < microbatches; microbatch++) {
      const feeds = Object.fromEntries(tensors);
      for (const { name, type } of inputs) {
        const all = batch.get(name)!;
        feeds[engineName(name)] = tensorOf(type.dtype, all[microbatch % all.length]!, type.shape);
      }
      const made = await session.run(feeds, fetches);
      losses.push((made[loss]!.data as Float32Array)[0]!);
      for (const [name, next] of nextOf) tensors.set(name, made[next]!);
    }
    this.#taken++;
    const scalars = stepScalars(ADAMW, this.#taken, 1 / microbatches, undefined);
    const shared = scalars.map(({ name, value }) => [name, new Tensor("float32", Float32Array.of(value), [])] as const);
    for (const one of trained) {
      const made = await one.update.run({
        ...Object.fromEntries(shared),
        param: tensors.get(one.parameter)!,
        gradSum: tensors.get(one.sum)!,
        ...Object.fromEntries(one.states.map((state, at) => [`state${at}`, state])),
      });
      const [parameter, ...states] = one.update.outputNames.map((name) => made[name]!);
      tensors.set(one.parameter, parameter!);
      tensors.set(one.sum, zeros(one.shape));
      one.states = states;
    }
    return { ms: performance.now() - startMs, losses };
  }
}

function updateModel(shape: Shape): Uint8Array {
  return exportGraph(updateGraph(ADAMW, shape, OPS));
}

function zeros(shape: Shape): OrtTensor {
  return new Tensor("float32", new Float32Array(elementCount(shape)), shape);
}

function tensorOf(dtype: DType, bytes: Uint8Array, shape: Shape): OrtTensor {
  const { buffer } = bytes.slice();
  if (dtype === "float32") return new Tensor("float32", new Float32Array(buffer), shape);
  if (dtype === "int64") return new Tensor("int64", new BigInt64Array(buffer), shape);
  throw new Error(`an input of ${dtype}: expected float32 or int64`);
}
