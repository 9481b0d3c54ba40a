/** @file A plan made in the test from a small model, with a run that took twice as long as predicted. */
import { localCluster } from "../../../compiler/cluster.js";
import type { Compiled } from "../../../compiler/compile.js";
import { compile } from "../../../compiler/compile.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import type { Plan } from "../../../compiler/plan/plan.js";
import { modelFile } from "../../../models/file.js";
import { buildMlp, MLP_LOSS } from "../../../models/mlp.js";
import { modelOf } from "../../../runtime/model-file.js";
import type { ReportDocument } from "../../../runtime/report/document.js";
import { reportDocument } from "../../../runtime/report/document.js";
import type { RunRecord } from "../../../runtime/report/run-record.js";
import { predictedStep } from "../../../runtime/report/step-view.js";

/** Compiles a perceptron of `layers` hidden layers. */
export function samplePlan(
  options: { layers?: number; devices?: number; microbatches?: number; schedule?: string } = {},
): Promise<Compiled> {
  const { layers = 4, devices = 2, microbatches = 4, schedule = "1f1b" } = options;
  const widths = new Array<number>(layers).fill(8);
  const model = modelOf(modelFile(buildMlp({ batch: 4, inputs: 8, widths, classes: 4 })), "sample");
  return compile(model, {
    cluster: localCluster(devices),
    pipeline: { schedule, microbatches },
    training: { loss: [parseLoss(MLP_LOSS)] },
    optimizer: { kind: "sgd", learningRate: 0.1, momentum: 0, weightDecay: 0 },
    partition: { model: "direct", solver: undefined },
    profile: "analytic",
  });
}

/** A run of the plan in which everything took twice as long. */
export function sampleRun(plan: Plan): RunRecord {
  const { rows, spanMs } = predictedStep(plan);
  return {
    version: 1,
    plan: "",
    losses: [2, 1.5, 1.25, 1],
    stepMs: [9, 8, 2 * spanMs, 2 * spanMs],
    shown: {
      rows: rows.map(({ cells }) => ({
        startMs: cells.map(({ startMs }) => 2 * startMs),
        endMs: cells.map(({ endMs }) => 2 * endMs),
        updateEndMs: 2.1 * spanMs,
      })),
    },
    host: { node: "20.0.0", platform: "linux", architecture: "x64", cpu: "test", cores: 2, memoryBytes: 2 ** 30 },
    versions: { pipewright: "0.0.0", engine: "engine 1" },
  };
}

/** A document of the plan with that run. */
export function sampleDocument({ plan: parts, blocks }: Compiled): ReportDocument {
  const plan: Plan = { ...parts, files: {} };
  const { bottleneckMs, boundMs, gap } = plan.partition.certificate;
  const { makespanMs } = plan.schedule.forecast;
  const found = { solver: "slicing", status: "feasible", bottleneckMs, boundMs, gap } as const;
  return reportDocument(plan, blocks, sampleRun(plan), [
    {
      schedule: plan.schedule.name,
      ...found,
      endMs: 3,
      makespanMs,
      course: [
        { ms: 0.5, boundMs: boundMs / 4, method: "none" },
        { ms: 1, bottleneckMs: 2 * bottleneckMs, boundMs: boundMs / 2, method: "slicing" },
        { ms: 2.5, bottleneckMs, boundMs, method: "highs" },
      ],
    },
    { schedule: "wave", ...found, endMs: 4, makespanMs: 2 * makespanMs },
    { schedule: "gpipe", solver: "", status: "infeasible", endMs: 5 },
  ]);
}
