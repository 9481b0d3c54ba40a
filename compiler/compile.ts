/** @file The compiler on one screen: from a model in the IR to a plan. One pass per line; each pass is one file. */
import type { ClusterSpec } from "./cluster.js";
import type { Graph } from "./ir/graph.js";
import type { Conversion } from "./ir/half.js";
import { OPS } from "./ops/registry.js";
import { checkOptimizer } from "./optimizer/check.js";
import { groupsOf } from "./optimizer/groups.js";
import { stateCount } from "./optimizer/update.js";
import { blocksOf } from "./partition/blocks.js";
import type { PartitionOptions } from "./partition/partition.js";
import type { CommunicationModel } from "./partition/problem.js";
import type { PipelineOptions } from "./planning/candidate.js";
import type { Compiled } from "./planning/compiled.js";
import { compiledOf } from "./planning/compiled.js";
import type { Attempt } from "./planning/attempt.js";
import { searchPlan } from "./planning/search.js";
import type { ProfileSource } from "./planning/subject.js";
import { profilesOf } from "./planning/subject.js";
import type { OptimizerSpec } from "./plan/plan.js";
import { forwardModel } from "./profile/aggregate.js";
import { steeringOf } from "./steering.js";
import type { SteeringRules } from "./steering.js";
import type { TrainingOptions } from "./training.js";
import { trainingGraph } from "./training.js";

export type { Compiled } from "./planning/compiled.js";

/** What is compiled. */
export interface CompileModel {
  readonly name: string;
  /** sha256 of the file it came from. */
  readonly digest: string;
  readonly graph: Graph;
  /** Values that symbolic dimensions were given. */
  readonly bind: Readonly<Record<string, number>>;
  /** What of the file became float32 at the import. */
  readonly conversions?: readonly Conversion[];
  /** Batch axis of inputs whose batch is not axis 0; null: all microbatches share the tensor. */
  readonly batchAxes?: ReadonlyMap<string, number | null>;
}

/** How the partition is searched, what a cut tensor costs, and what the user decided beforehand. */
export interface CutOptions extends PartitionOptions {
  readonly model: CommunicationModel;
  readonly steering?: SteeringRules;
}

export interface CompileOptions {
  readonly cluster: ClusterSpec;
  readonly pipeline: PipelineOptions;
  readonly training: TrainingOptions;
  readonly optimizer: OptimizerSpec;
  /** Time limit, clock and cancellation hold for all candidates together. */
  readonly partition: CutOptions;
  /** "analytic", a profile that exists, or a function that measures one. */
  readonly profile: ProfileSource;
  /** Of the search for a schedule. Default 1. */
  readonly seed?: number;
  /** Told the name of each pass as it begins. */
  readonly onPass?: (pass: string) => void;
  /** Told what became of each candidate. */
  readonly onAttempt?: (attempt: Attempt) => void;
}

/**
 * Compiles a forward graph to a plan.
 *
 * Requires: a graph that import made or that verify accepts.
 * Ensures: same model, options and profile give the same plan, byte for byte, unless time ran out.
 * @throws PipewrightError as the passes do.
 */
export async function compile(model: CompileModel, options: CompileOptions): Promise<Compiled> {
  const { cluster, optimizer, onPass = () => undefined, onAttempt = () => undefined } = options;
  const at = <T>(pass: string, run: () => T): T => {
    onPass(pass);
    return run();
  };
  checkOptimizer(optimizer);
  const training = at("differentiate", () => trainingGraph(model.graph, OPS, options.training));
  const { differentiated } = training;
  const trained = differentiated.parameterGrads.map(({ of }) => of);
  const groups = groupsOf(optimizer, trained);
  const profiles = await at("profile", () => profilesOf(differentiated, cluster, options.profile));
  const first = profiles.get(cluster.devices[0]!.kind)!;
  const forward = at("aggregate", () => forwardModel(differentiated, first, 2 + stateCount(optimizer)));
  const blocks = at("blocks", () => blocksOf(forward));
  const steering = steeringOf(options.partition.steering ?? {}, forward, blocks.graph);
  const batchAxes = model.batchAxes ?? new Map();
  const subject = { training, groups, profiles, forward, blocks, steering, batchAxes };
  const placed = await searchPlan(subject, { ...options, onPass, onAttempt });
  return at("export", () => compiledOf(model, subject, placed, options));
}
