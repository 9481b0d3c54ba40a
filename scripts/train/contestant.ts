/** @file One way of training a model in the benchmark: planned, started, and run step by step. */
import { ADAMW } from "../../compiler/optimizer/adamw.js";
import type { ClusterSpec } from "../../compiler/cluster.js";
import type { CompileOptions } from "../../compiler/compile.js";
import { compile } from "../../compiler/compile.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import type { Plan } from "../../compiler/plan/plan.js";
import { modelFile } from "../../models/file.js";
import { engineFor } from "../../runtime/engine/registry.js";
import type { Env } from "../../runtime/env/env.js";
import { measureProfile } from "../../runtime/measure.js";
import { loadWeights, modelOf } from "../../runtime/model-file.js";
import type { PipelineOptions, StepResult } from "../../runtime/pipeline.js";
import { Pipeline } from "../../runtime/pipeline.js";
import { writePlan } from "../../runtime/plan/directory.js";
import { stepBatch } from "../../runtime/train.js";
import type { BenchModel } from "./models.js";

/** Timed runs of the profile. */
const REPEAT = 10;

/** How a contestant differs from the others. */
export interface Entry {
  readonly name: string;
  readonly cluster: ClusterSpec;
  /** By name, or "auto": what the shortest predicted step has. */
  readonly schedule: string;
  readonly options?: PipelineOptions;
}

/** Plans of one model, all from one profile. */
export class Arena {
  readonly #env: Env;
  readonly #folder: string;
  readonly #bench: BenchModel;
  readonly #microbatches: number;
  #profile: CompileOptions["profile"];

  /** Plans go into `folder`. */
  constructor(env: Env, folder: string, bench: BenchModel, microbatches: number) {
    this.#env = env;
    this.#folder = folder;
    this.#bench = bench;
    this.#microbatches = microbatches;
    this.#profile = (graph, { kind }) =>
      measureProfile(graph, engineFor({ kind }), { repeat: REPEAT, clock: env.clock });
  }

  /** Plans the model as the entry says and starts it with its first weights. */
  async enter({ name, cluster, schedule, options }: Entry): Promise<Contestant> {
    const model = modelOf(modelFile(this.#bench.build()), name);
    const weights = await loadWeights(this.#env, model);
    const compiled = await compile(model, this.#options(cluster, schedule));
    this.#profile = compiled.profile;
    const directory = `${this.#folder}/${name}`;
    const plan = await writePlan(this.#env, directory, { ...compiled, weights, model: model.bytes });
    const pipeline = await Pipeline.start(this.#env, directory, plan, "process", options);
    for (const [parameter, { bytes }] of weights) pipeline.writeParameter(parameter, bytes);
    return new Contestant(name, plan, pipeline, this.#bench);
  }

  #options(cluster: ClusterSpec, schedule: string): CompileOptions {
    return {
      cluster,
      pipeline: { schedule, microbatches: this.#microbatches },
      training: { loss: [parseLoss(this.#bench.loss)] },
      optimizer: ADAMW,
      partition: { model: "direct", solver: undefined },
      profile: this.#profile,
    };
  }
}

/** A started plan and the steps that count. */
export class Contestant {
  readonly name: string;
  readonly plan: Plan;
  readonly pipeline: Pipeline;
  readonly steps: StepResult[] = [];
  readonly #bench: BenchModel;

  constructor(name: string, plan: Plan, pipeline: Pipeline, bench: BenchModel) {
    this.name = name;
    this.plan = plan;
    this.pipeline = pipeline;
    this.#bench = bench;
  }

  /** Takes step `step`, 0 being the first. */
  async step(step: number): Promise<StepResult> {
    const { feeds, name } = this.#bench.task;
    const batch = await stepBatch(this.plan, { samples: undefined, about: name, feeds }, step);
    return this.pipeline.step(batch, { update: step + 1 });
  }
}
