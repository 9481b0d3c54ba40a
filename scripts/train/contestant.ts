/** @file One way of training a model in the benchmark: planned, started, and run step by step. */
import { availableParallelism } from "node:os";
import { ADAMW } from "../../compiler/optimizer/adamw.js";
import type { ClusterSpec } from "../../compiler/cluster.js";
import type { CompileOptions } from "../../compiler/compile.js";
import { compile } from "../../compiler/compile.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import type { Profile } from "../../compiler/profile/profile.js";
import { modelFile } from "../../models/file.js";
import type { Lesson } from "../../models/lesson.js";
import type { Task } from "../../models/tasks.js";
import { engineFor } from "../../runtime/engine/registry.js";
import type { Env } from "../../runtime/env/env.js";
import { concurrencyOf, measureProfile } from "../../runtime/measure.js";
import { loadWeights, modelOf } from "../../runtime/model-file.js";
import type { Batch, StepResult } from "../../runtime/pipeline.js";
import { Pipeline } from "../../runtime/pipeline.js";
import { writePlan } from "../../runtime/plan/directory.js";
import { stepBatch } from "../../runtime/train.js";
import type { PlainOptions } from "./plain-session.js";
import { PlainSession } from "./plain-session.js";

/** How a contestant differs from the others. */
export interface Entry {
  readonly name: string;
  readonly cluster: ClusterSpec;
  /** By name, or "auto": what the shortest predicted step has. */
  readonly schedule: string;
}

/** What all of them share. */
export interface ArenaOptions {
  readonly microbatches: number;
  /** Timed runs of the profile. */
  readonly repeat: number;
  /**
   * How often each plan is started. The system places the memory of each start anew, which makes one and the same plan
   * faster or slower by some per cent. Default 1.
   */
  readonly starts?: number;
}

/** Plans of one model. Those whose devices compute equally many at a time share a profile. */
export class Arena {
  readonly #env: Env;
  readonly #folder: string;
  readonly #lesson: Lesson;
  readonly #options: ArenaOptions;
  readonly #profiles = new Map<number, Promise<Profile>>();

  /** Plans go into `folder`. */
  constructor(env: Env, folder: string, lesson: Lesson, options: ArenaOptions) {
    this.#env = env;
    this.#folder = folder;
    this.#lesson = lesson;
    this.#options = options;
  }

  /** Plans the model as the entry says and starts it with its first weights, as often as asked for. */
  async enter({ name, cluster, schedule }: Entry): Promise<Contestant> {
    const model = modelOf(modelFile(this.#lesson.built), name);
    const weights = await loadWeights(this.#env, model);
    const compiled = await compile(model, {
      cluster,
      pipeline: { schedule, microbatches: this.#options.microbatches },
      training: { loss: [parseLoss(this.#lesson.loss)] },
      optimizer: ADAMW,
      partition: { model: "direct", solver: undefined },
      profile: this.#measured(weights),
    });
    const directory = `${this.#folder}/${name}`;
    const plan = await writePlan(this.#env, directory, { ...compiled, weights, model: model.bytes });
    const pipelines: Pipeline[] = [];
    for (let start = 0; start < (this.#options.starts ?? 1); start++) {
      const pipeline = await Pipeline.start(this.#env, directory, plan, "process");
      for (const [parameter, { bytes }] of weights) pipeline.writeParameter(parameter, bytes);
      pipelines.push(pipeline);
    }
    return new Contestant(plan, pipelines, this.#lesson.task);
  }

  /** The same lesson in sessions of onnxruntime-node, started as often, whose batches are those of `worker`. */
  async enterPlain(
    worker: Contestant,
    settings: Pick<PlainOptions, "threads" | "spins">,
  ): Promise<readonly PlainSession[]> {
    const { microbatches, starts = 1 } = this.#options;
    const weights = await loadWeights(this.#env, modelOf(modelFile(this.#lesson.built), "plain"));
    const batchOf = (step: number): Promise<Batch> => worker.batch(step);
    const started: PlainSession[] = [];
    for (let start = 0; start < starts; start++)
      started.push(await PlainSession.start(this.#lesson, weights, { ...settings, microbatches, batchOf }));
    return started;
  }

  /** Measured with the weights, as the commands do. */
  #measured(weights: Tensors): CompileOptions["profile"] {
    const bytes = new Map([...weights].map(([name, own]) => [name, own.bytes]));
    const { clock } = this.#env;
    const { repeat } = this.#options;
    return (graph, device, cluster) => {
      const concurrency = concurrencyOf(cluster, device, availableParallelism());
      const known = this.#profiles.get(concurrency);
      if (known) return known;
      const measured = measureProfile(graph, engineFor({ kind: device.kind }), {
        repeat,
        clock,
        concurrency,
        weights: bytes,
      });
      this.#profiles.set(concurrency, measured);
      return measured;
    };
  }
}

/** A started plan. Its starts take turns. */
export class Contestant {
  readonly plan: Plan;
  readonly #starts: { readonly pipeline: Pipeline; taken: number }[];
  readonly #task: Task;
  #turns = 0;

  constructor(plan: Plan, pipelines: readonly Pipeline[], task: Task) {
    this.plan = plan;
    this.#starts = pipelines.map((pipeline) => ({ pipeline, taken: 0 }));
    this.#task = task;
  }

  /** Takes the next steps of the next start, one right after the other: their samples are made before. */
  async steps(count: number): Promise<readonly StepResult[]> {
    const start = this.#starts[this.#turns++ % this.#starts.length]!;
    const first = start.taken;
    start.taken += count;
    const batches: Batch[] = [];
    for (let step = first; step < start.taken; step++) batches.push(await this.batch(step));
    const results: StepResult[] = [];
    for (const [at, batch] of batches.entries())
      results.push(await start.pipeline.step(batch, { update: first + at + 1 }));
    return results;
  }

  /** Inputs of a step. Steps count from 0. */
  batch(step: number): Promise<Batch> {
    const { feeds, name } = this.#task;
    return stepBatch(this.plan, { samples: undefined, about: name, feeds }, step);
  }

  async close(): Promise<void> {
    for (const { pipeline } of this.#starts) await pipeline.close();
  }
}
