/** @file The compiler on one screen: from a model in the IR to a plan. One pass per line; each pass is one file. */
import type { ClusterSpec } from "./cluster.js";
import type { Differentiated } from "./autodiff/differentiated.js";
import { PipewrightError } from "./errors.js";
import { fitMemory } from "./fit-memory.js";
import type { Graph } from "./ir/graph.js";
import type { Conversion } from "./ir/half.js";
import { formatLoss } from "./loss/spec.js";
import { exportProgram } from "./onnx/export.js";
import { OPS } from "./ops/registry.js";
import { groupsOf } from "./optimizer/groups.js";
import { updatePrograms } from "./optimizer/programs.js";
import { stateCount } from "./optimizer/update.js";
import { blocksOf } from "./partition/blocks.js";
import type { PartitionOptions } from "./partition/partition.js";
import { certify } from "./partition/certificate.js";
import { partition } from "./partition/partition.js";
import type { CommunicationModel, PartitionProblem } from "./partition/problem.js";
import type { BlockMap } from "./plan/block-map.js";
import { blockMap } from "./plan/block-map.js";
import { forecast, stageCosts } from "./plan/forecast.js";
import { link, parameterElements, programFile } from "./plan/link.js";
import type { OptimizerSpec, Plan } from "./plan/plan.js";
import { forwardModel } from "./profile/aggregate.js";
import { analyticProfile } from "./profile/analytic.js";
import type { DeviceSpec, Profile } from "./profile/profile.js";
import type { Schedule } from "./schedule/action.js";
import { canonicalSchedule } from "./schedule/canonical.js";
import { checkSchedule } from "./schedule/check.js";
import { writeCsv } from "./schedule/csv.js";
import { inFlight } from "./schedule/in-flight.js";
import { linearize } from "./schedule/linearize.js";
import { scheduleByName } from "./schedule/registry.js";
import { reorder, searchStart } from "./schedule/reorder.js";
import { simulate } from "./schedule/simulate.js";
import { steeringOf } from "./steering.js";
import type { SteeringRules } from "./steering.js";
import type { TrainingOptions } from "./training.js";
import { trainingGraph } from "./training.js";

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

/** How the pipeline runs. */
export interface PipelineOptions {
  /** By name, see schedule/registry.ts; or "search", which finds an order for the stages once they are cut. */
  readonly schedule: string;
  readonly microbatches: number;
  readonly stagesPerDevice?: number;
  /** Most microbatches that a stage may keep at once. Left out: what the schedule needs. */
  readonly maxInFlight?: number;
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
  readonly partition: CutOptions;
  /** "analytic", a profile that exists, or a function that measures one. */
  readonly profile: "analytic" | Profile | ((graph: Differentiated, device: DeviceSpec) => Promise<Profile>);
  /** Told the name of each pass as it begins. */
  readonly onPass?: (pass: string) => void;
}

/** How long an order is searched: about a second for 8 devices and 32 microbatches. */
const SEARCH = { evaluations: 20_000 } as const;

/** A plan, and the files that go with it. */
export interface Compiled {
  readonly plan: Omit<Plan, "files">;
  /** Stage graphs, by relative path. */
  readonly programs: ReadonlyMap<string, Uint8Array>;
  /** The schedule in PyTorch's compute-only form. */
  readonly csv: string;
  readonly profile: Profile;
  /** What stands behind the stages. */
  readonly blocks: BlockMap;
}

/**
 * Compiles a forward graph to a plan.
 *
 * Requires: a graph that import made or that verify accepts.
 * Ensures: same model, options and profile give the same plan, byte for byte.
 * @throws PipewrightError as the passes do.
 */
export async function compile(model: CompileModel, options: CompileOptions): Promise<Compiled> {
  const { cluster, pipeline, optimizer, onPass } = options;
  const at = <T>(pass: string, run: () => T): T => {
    onPass?.(pass);
    return run();
  };
  const size = { ...pipeline, devices: cluster.devices.length };
  const training = at("differentiate", () => trainingGraph(model.graph, OPS, options.training));
  const groups = groupsOf(
    optimizer,
    training.differentiated.parameterGrads.map(({ of }) => of),
  );
  const profile = await at("profile", () => profileOf(training.differentiated, options));
  const forward = forwardModel(training.differentiated, profile, 2 + stateCount(optimizer));
  const isSearched = pipeline.schedule === "search";
  const first = at("schedule", () =>
    capped(runnable(isSearched ? searchStart(size) : scheduleByName(pipeline.schedule, size)), pipeline.maxInFlight),
  );
  const blocks = at("blocks", () => blocksOf(forward));
  const steering = steeringOf(options.partition.steering ?? {}, forward, blocks.graph);
  const problem = { ...partitionProblem(blocks.graph, first, options), steering };
  const speeds = problem.stages.map(({ speed }) => speed);
  let boundMs = Infinity;
  let ownBoundMs = Infinity;
  const { cut, schedule, costs, timeline, linked } = await fitMemory(
    problem,
    cluster.devices.map(memoryOf),
    async (limited) => {
      const cut = await at("partition", () => partition(limited, options.partition));
      boundMs = Math.min(boundMs, cut.certificate.boundMs);
      ownBoundMs = Math.min(ownBoundMs, cut.certificate.ownBoundMs);
      const stageOf = blocks.stageOfNodes(cut.stageOf);
      const costs = stageCosts(forward, stageOf, first.stages, speeds, cluster.link);
      const schedule = isSearched ? at("search", () => reorder(first, costs, SEARCH).schedule) : first;
      const timeline = at("simulate", () => simulate(schedule, costs));
      const linked = at("link", () =>
        link(training.differentiated, {
          ops: OPS,
          schedule,
          order: linearize(schedule, timeline),
          stageOf,
          costs: new Map(forward.nodes.map(({ id, cost }) => [id, cost])),
          optimizer,
          groups,
          results: training.results,
          batchAxes: model.batchAxes ?? new Map(),
        }),
      );
      return { cut, schedule, costs, timeline, linked, stages: linked.parts.stages };
    },
  );
  const plan: Omit<Plan, "files"> = {
    version: 1,
    model: {
      name: model.name,
      digest: model.digest,
      nodes: model.graph.nodes.length,
      blocks: blocks.graph.blocks.length,
      parameters: parameterElements(model.graph),
      ...(model.conversions?.length ? { conversions: model.conversions } : {}),
    },
    profile: { source: profile.source },
    devices: cluster.devices,
    link: cluster.link,
    microbatches: pipeline.microbatches,
    schedule: { name: schedule.name, forecast: forecast(schedule, costs, timeline) },
    partition: {
      model: options.partition.model,
      solver: cut.solver,
      certificate: certify(cut.certificate.bottleneckMs, boundMs, ownBoundMs),
    },
    optimizer,
    training: {
      loss: options.training.loss.map(formatLoss),
      bind: model.bind,
      ...(options.training.trainable ? { trainable: options.training.trainable } : {}),
    },
    ...linked.parts,
  };
  const programs = at("export", () => [
    ...linked.programs.map((program): [string, Uint8Array] => [programFile(program), exportStage(program)]),
    ...updatePrograms(plan, OPS),
  ]);
  return {
    plan,
    programs: new Map(programs),
    csv: writeCsv(schedule),
    profile,
    blocks: blockMap(training.differentiated.graph, blocks.graph, cut.stageOf),
  };
}

function memoryOf({ memoryBytes }: DeviceSpec): number | undefined {
  return memoryBytes;
}

function profileOf(graph: Differentiated, { profile, cluster }: CompileOptions): Promise<Profile> | Profile {
  if (profile === "analytic") return analyticProfile(graph, OPS, cluster.devices[0]!);
  return typeof profile === "function" ? profile(graph, cluster.devices[0]!) : profile;
}

/** The schedule in the form that plans run. Refuses schedules that need two copies of the model. */
function runnable(schedule: Schedule): Schedule {
  checkSchedule(schedule);
  if ((schedule.replicas ?? 1) === 1) {
    const canonical = canonicalSchedule(schedule);
    checkSchedule(canonical);
    return canonical;
  }
  throw new PipewrightError(
    "USAGE",
    `schedule ${schedule.name}: needs ${schedule.replicas} copies of the model, which plans cannot hold. Choose another schedule.`,
  );
}

/** The schedule, if no stage of it keeps more microbatches than allowed. */
function capped(schedule: Schedule, maxInFlight = Infinity): Schedule {
  const flights = inFlight(schedule);
  const most = Math.max(...flights);
  if (most <= maxInFlight) return schedule;
  throw new PipewrightError(
    "PLAN_INFEASIBLE",
    `schedule ${schedule.name}: stage ${flights.indexOf(most)} keeps ${most} microbatches in flight; got a cap of ` +
      `${maxInFlight}. Raise --max-in-flight, or use --schedule windowed-1f1b --window ${maxInFlight} or fewer microbatches.`,
    { inFlight: most, maxInFlight },
  );
}

function partitionProblem(
  graph: PartitionProblem["graph"],
  schedule: Schedule,
  { cluster, partition: { model } }: CompileOptions,
): PartitionProblem {
  const flights = inFlight(schedule);
  const perDevice = schedule.stages / schedule.devices;
  const profiled = cluster.devices[0]!;
  const stages = schedule.placement.map((index, stage) => {
    const device = cluster.devices[index]!;
    const limit = device.memoryBytes === undefined ? {} : { memoryBytes: Math.floor(device.memoryBytes / perDevice) };
    return { speed: device.flopsPerMs / profiled.flopsPerMs, inFlight: flights[stage]!, ...limit };
  });
  return { graph, model, stages, link: cluster.link };
}

function exportStage({ key, nodes, inputs, outputs }: Parameters<typeof programFile>[0]): Uint8Array {
  const values = (ports: typeof inputs) => ports.map(({ value }) => value);
  return exportProgram({
    name: `stage ${key.stage} ${key.kind}`,
    inputs: values(inputs),
    outputs: values(outputs),
    nodes,
  });
}
