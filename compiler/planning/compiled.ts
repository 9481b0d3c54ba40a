/** @file The end of compilation: a placed candidate as a plan, with the files that go with it. */
import type { CompileModel, CompileOptions } from "../compile.js";
import { formatLoss } from "../loss/spec.js";
import { exportProgram } from "../onnx/export.js";
import { OPS } from "../ops/registry.js";
import { updatePrograms } from "../optimizer/programs.js";
import type { BlockMap } from "../plan/block-map.js";
import { blockMap } from "../plan/block-map.js";
import { forecast } from "../plan/forecast.js";
import { parameterElements, programFile } from "../plan/link.js";
import type { Plan } from "../plan/plan.js";
import type { ProgramGraph } from "../plan/ports.js";
import type { Profile } from "../profile/profile.js";
import { writeCsv } from "../schedule/csv.js";
import type { Placed } from "./placed.js";
import { standIns } from "./stand-ins.js";
import type { PlanSubject } from "./subject.js";
import { overheadsOn } from "./subject.js";

/** A plan, and the files that go with it. */
export interface Compiled {
  readonly plan: Omit<Plan, "files">;
  /** Stage graphs, by relative path. */
  readonly programs: ReadonlyMap<string, Uint8Array>;
  /** The schedule in PyTorch's compute-only form. */
  readonly csv: string;
  /** Of the kind of the first device. */
  readonly profile: Profile;
  /** What stands behind the stages. */
  readonly blocks: BlockMap;
  /** The candidate that became the plan, for what is asked about it. */
  readonly placed: Placed;
  readonly subject: PlanSubject;
}

/** Ensures: the plan names devices in the order of its pipeline. */
export function compiledOf(
  model: CompileModel,
  subject: PlanSubject,
  placed: Placed,
  { pipeline, optimizer, training, partition }: CompileOptions,
): Compiled {
  const { draft, linked, cluster, certificate, updateMs } = placed;
  const { schedule, stageCosts, timeline } = draft;
  const profile = subject.profiles.get(cluster.devices[0]!.kind)!;
  const { byStage, heldBytes } = standIns(placed);
  const isMeasured = [...subject.profiles.values()].some(({ overheads }) => overheads);
  const plan: Omit<Plan, "files"> = {
    version: 1,
    model: {
      name: model.name,
      digest: model.digest,
      nodes: model.graph.nodes.length,
      blocks: subject.blocks.graph.blocks.length,
      parameters: parameterElements(model.graph),
      ...(model.conversions?.length ? { conversions: model.conversions } : {}),
    },
    profile: {
      source: profile.source,
      ...(profile.concurrency === undefined ? {} : { concurrency: profile.concurrency }),
      ...(isMeasured ? { overheads: cluster.devices.map((device) => overheadsOn(subject, device)) } : {}),
    },
    devices: cluster.devices,
    link: cluster.link,
    ...(cluster.links?.length ? { links: cluster.links } : {}),
    microbatches: pipeline.microbatches,
    schedule: {
      name: schedule.name,
      ...(schedule.replicas === undefined ? {} : { copies: schedule.replicas }),
      forecast: forecast(schedule, stageCosts, timeline, { updateMs, peakBytes: heldBytes }),
    },
    partition: { model: partition.model, solver: draft.cut.solver, certificate },
    optimizer,
    training: {
      loss: training.loss.map(formatLoss),
      bind: model.bind,
      ...(training.trainable ? { trainable: training.trainable } : {}),
      ...(training.batchNorm ? { batchNorm: training.batchNorm } : {}),
    },
    ...linked.parts,
    stages: linked.parts.stages.map((stage) => {
      const others = byStage.get(stage.index);
      return others ? { ...stage, standIns: others } : stage;
    }),
  };
  return {
    plan,
    programs: new Map([
      ...linked.programs.map((program): [string, Uint8Array] => [programFile(program), exportStage(program)]),
      ...updatePrograms(plan, OPS),
    ]),
    csv: writeCsv(schedule),
    profile,
    blocks: blockMap(subject.training.differentiated.graph, subject.blocks.graph, draft.cut.stageOf),
    placed,
    subject,
  };
}

function exportStage({ key, nodes, inputs, outputs }: ProgramGraph): Uint8Array {
  const values = (ports: typeof inputs) => ports.map(({ value }) => value);
  return exportProgram({
    name: `stage ${key.stage} ${key.kind}`,
    inputs: values(inputs),
    outputs: values(outputs),
    nodes,
  });
}
