/**
 * @file The training step of a whole model in sessions of onnxruntime-node, with the package's own settings and nothing of
 * our runtime: a session that runs the graph of a microbatch, and one that updates all parameters. Tensors go in and come
 * out as the package does it.
 */
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { DType, Shape, Value } from "../../compiler/ir/graph.js";
import { elementCount } from "../../compiler/ir/literal.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import { engineName } from "../../compiler/names.js";
import { exportProgram } from "../../compiler/onnx/export.js";
import { OPS } from "../../compiler/ops/registry.js";
import { ADAMW } from "../../compiler/optimizer/adamw.js";
import { stepScalars } from "../../compiler/optimizer/update.js";
import { withGradientSums } from "../../compiler/plan/gradient-sums.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { trainingGraph } from "../../compiler/training.js";
import type { Lesson } from "../../models/lesson.js";
import type { Batch } from "../../runtime/pipeline.js";
import type { Updated } from "./whole-update.js";
import { wholeUpdate } from "./whole-update.js";

export interface PlainOptions {
  readonly threads: number;
  /** Whether threads that have nothing to do spin, as they do by default, or sleep. */
  readonly spins: boolean;
  readonly microbatches: number;
  /** Inputs of a step. Steps count from 0. */
  readonly batchOf: (step: number) => Promise<Batch>;
}

export interface PlainStep {
  /** Wall time. */
  readonly ms: number;
  /** By microbatch. */
  readonly losses: readonly number[];
}

/** What runs in a step. */
interface Programs {
  readonly step: InferenceSession;
  readonly update: InferenceSession;
  readonly inputs: readonly Value[];
  readonly loss: string;
  /** What a microbatch leaves for the next, by name of what it takes the place of: gradient sums, running statistics. */
  readonly nextOf: ReadonlyMap<string, string>;
  readonly updated: readonly Updated[];
}

type Feeds = Record<string, OrtTensor>;

/** Trains a model step by step. */
export class PlainSession {
  readonly #programs: Programs;
  /** Parameters, optimizer states and gradient sums by name. */
  readonly #tensors: Map<string, OrtTensor>;
  /** Gradient sums before the first microbatch. */
  readonly #zeros: ReadonlyMap<string, OrtTensor>;
  readonly #options: PlainOptions;
  #taken = 0;

  private constructor(programs: Programs, tensors: Map<string, OrtTensor>, options: PlainOptions) {
    this.#programs = programs;
    this.#tensors = tensors;
    this.#zeros = new Map(programs.updated.map(({ sum, shape }) => [sum, zeros(shape)]));
    this.#options = options;
  }

  /** Requires: trained parameters are float32. */
  static async start(lesson: Lesson, weights: Tensors, options: PlainOptions): Promise<PlainSession> {
    const { threads, spins } = options;
    const settings: InferenceSession.SessionOptions = {
      intraOpNumThreads: threads,
      ...(spins ? {} : { extra: { session: { intra_op: { allow_spinning: "0" } } } }),
    };
    const training = trainingGraph(lesson.built.graph, OPS, { loss: [parseLoss(lesson.loss)] });
    const { differentiated, sums } = withGradientSums(training.differentiated, OPS);
    const { graph, loss, parameterGrads } = differentiated;
    const replaced = [
      ...sums.map(({ sum, next }) => [sum, next] as const),
      ...graph.states.map(({ param, next }) => [param, next] as const),
    ];
    const program = exportProgram({
      name: "step",
      nodes: graph.nodes,
      inputs: [...graph.inputs, ...graph.params],
      outputs: [loss, ...replaced.map(([, next]) => next)],
    });
    const { model, updated } = wholeUpdate(
      ADAMW,
      parameterGrads.map(({ of }, at) => ({
        parameter: engineName(of.name),
        sum: engineName(sums[at]!.sum.name),
        shape: of.type.shape,
      })),
    );
    const tensors = new Map<string, OrtTensor>();
    for (const { name, type } of graph.params)
      tensors.set(engineName(name), tensorOf(type.dtype, weights.get(name)!.bytes, type.shape));
    for (const { states, shape } of updated) for (const state of states) tensors.set(state, zeros(shape));
    const programs = {
      step: await InferenceSession.create(program, settings),
      update: await InferenceSession.create(model, settings),
      inputs: graph.inputs.filter((input) => sums.every(({ sum }) => sum.name !== input.name)),
      loss: engineName(loss.name),
      nextOf: new Map(replaced.map(([old, next]) => [engineName(old.name), engineName(next.name)])),
      updated,
    };
    return new PlainSession(programs, tensors, options);
  }

  /** Takes steps one right after the other. Returns the last. */
  async steps(count: number): Promise<PlainStep> {
    const batches: (readonly Feeds[])[] = [];
    for (let step = 0; step < count; step++)
      batches.push(this.#feedsOf(await this.#options.batchOf(this.#taken + step)));
    let last: PlainStep | undefined;
    for (const batch of batches) last = await this.#step(batch);
    return last!;
  }

  async close(): Promise<void> {
    await this.#programs.step.release();
    await this.#programs.update.release();
  }

  /** Inputs by microbatch. */
  #feedsOf(batch: Batch): readonly Feeds[] {
    return Array.from({ length: this.#options.microbatches }, (_, microbatch) =>
      Object.fromEntries(
        this.#programs.inputs.map(({ name, type }) => {
          const tensors = batch.get(name)!;
          return [engineName(name), tensorOf(type.dtype, tensors[microbatch % tensors.length]!, type.shape)];
        }),
      ),
    );
  }

  async #step(batch: readonly Feeds[]): Promise<PlainStep> {
    const { step, update, loss, nextOf, updated } = this.#programs;
    const startMs = performance.now();
    const losses: number[] = [];
    for (const [name, tensor] of this.#zeros) this.#tensors.set(name, tensor);
    for (const feeds of batch) {
      const made = await step.run({ ...this.#named(step.inputNames), ...feeds }, step.outputNames);
      losses.push((made[loss]!.data as Float32Array)[0]!);
      for (const [name, next] of nextOf) this.#tensors.set(name, made[next]!);
    }
    this.#taken++;
    const scalars = stepScalars(ADAMW, this.#taken, 1 / batch.length, undefined);
    const shared = scalars.map(({ name, value }) => [name, new Tensor("float32", Float32Array.of(value), [])] as const);
    const made = await update.run({ ...this.#named(update.inputNames), ...Object.fromEntries(shared) });
    for (const { parameter, states, outputs } of updated)
      for (const [at, name] of [parameter, ...states].entries()) this.#tensors.set(name, made[outputs[at]!]!);
    return { ms: performance.now() - startMs, losses };
  }

  /** Those of the names that the step keeps. */
  #named(names: readonly string[]): Feeds {
    return Object.fromEntries(
      names.flatMap((name) => {
        const tensor = this.#tensors.get(name);
        return tensor ? [[name, tensor] as const] : [];
      }),
    );
  }
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
