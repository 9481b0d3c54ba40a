/**
 * @file Step time of a pipeline against one worker and against one session with all cores, paired in one run:
 * `npm run -s bench:train -- [--json] [--rounds N] [--microbatches M] [--stages S] [--schedule NAME]`.
 *
 * The model is a GPT of 4 layers, width 256, sequence 128, microbatch 4 and 6,144 words. The three ways take turns step
 * by step, so that other load on the machine hits them alike; medians and their ratios count.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { ClusterSpec } from "../compiler/cluster.js";
import { localCluster } from "../compiler/cluster.js";
import { compile } from "../compiler/compile.js";
import { parseLoss } from "../compiler/loss/spec.js";
import type { Plan } from "../compiler/plan/plan.js";
import { BENCH_GPT, buildGpt, GPT_LOSS } from "../models/gpt.js";
import { modelFile } from "../models/file.js";
import { markovTask } from "../models/tasks.js";
import { engineFor } from "../runtime/engine/registry.js";
import { nodeEnv } from "../runtime/env/node.js";
import { measureProfile } from "../runtime/measure.js";
import { loadWeights, modelOf } from "../runtime/model-file.js";
import type { StepResult } from "../runtime/pipeline.js";
import { Pipeline } from "../runtime/pipeline.js";
import { writePlan } from "../runtime/plan/directory.js";
import { stepBatch } from "../runtime/train.js";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    rounds: { type: "string", default: "15" },
    microbatches: { type: "string", default: "8" },
    stages: { type: "string", default: "2" },
    schedule: { type: "string", default: "1f1b" },
  },
});
const rounds = Number(values.rounds);
const microbatches = Number(values.microbatches);
const env = nodeEnv();
const built = buildGpt(BENCH_GPT);
const model = modelOf(modelFile(built), "gpt");
const weights = await loadWeights(env, model);
const folder = await env.files.temporaryDirectory();

/** One way of training the model. */
interface Contestant {
  readonly name: string;
  readonly plan: Plan;
  readonly pipeline: Pipeline;
  readonly steps: StepResult[];
}

async function enter(name: string, cluster: ClusterSpec, schedule: string): Promise<Contestant> {
  const compiled = await compile(model, {
    cluster,
    pipeline: { schedule, microbatches },
    training: { loss: [parseLoss(GPT_LOSS)] },
    optimizer: { kind: "adamw", learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    partition: { model: "direct", solver: undefined },
    profile: (graph, device) =>
      measureProfile(graph, engineFor({ kind: device.kind }), { repeat: 5, clock: env.clock }),
  });
  const plan = await writePlan(env, `${folder}/${name}`, { ...compiled, weights, model: model.bytes });
  const pipeline = await Pipeline.start(env, `${folder}/${name}`, plan, "process");
  for (const [parameter, { bytes }] of weights) pipeline.writeParameter(parameter, bytes);
  return { name, plan, pipeline, steps: [] };
}

function wholeMachine(): ClusterSpec {
  const one = localCluster(1);
  return { ...one, devices: one.devices.map((device) => ({ ...device, threads: availableParallelism() })) };
}

const contestants = [
  await enter("pipeline", localCluster(Number(values.stages)), values.schedule),
  await enter("worker", localCluster(1), "1f1b"),
  await enter("session", wholeMachine(), "1f1b"),
];
const task = { samples: undefined, about: "markov", feeds: markovTask(BENCH_GPT).feeds };
try {
  for (let step = 0; step <= rounds; step++) {
    for (const { plan, pipeline, steps } of contestants) {
      const batch = await stepBatch(plan, task, step);
      const result = await pipeline.step(batch, { update: step + 1 });
      if (step > 0) steps.push(result);
    }
  }
} finally {
  for (const { pipeline } of contestants) await pipeline.close();
  await env.files.remove(folder);
}

const [pipeline, worker, session] = contestants as [Contestant, Contestant, Contestant];
const medians = contestants.map(({ steps }) => median(steps.map(({ ms }) => ms))) as [number, number, number];
const [pipelineMs, workerMs, sessionMs] = medians;
/** Compute of one worker's step, without waits and update. */
const computeMs = median(worker.steps.map(({ rows }) => busyMs(rows[0]!)));
const ratio = (other: Contestant): number => median(pipeline.steps.map(({ ms }, round) => other.steps[round]!.ms / ms));
const report = {
  model: { ...BENCH_GPT, microbatches },
  stages: Number(values.stages),
  schedule: values.schedule,
  rounds,
  stepMs: { pipeline: pipelineMs, worker: workerMs, session: sessionMs },
  predictedMs: {
    pipeline: pipeline.plan.schedule.forecast.makespanMs,
    worker: worker.plan.schedule.forecast.makespanMs,
  },
  speedup: { overWorker: ratio(worker), overSession: ratio(session) },
  overIdeal: pipelineMs / (computeMs / Number(values.stages)),
  bubble: {
    predicted: pipeline.plan.schedule.forecast.bubble,
    measured: median(pipeline.steps.map(idleShare)),
  },
  sameLosses: pipeline.steps.every(({ losses }, round) =>
    losses.every(
      (loss, index) => loss === worker.steps[round]!.losses[index] && loss === session.steps[round]!.losses[index],
    ),
  ),
};
if (values.json) console.log(JSON.stringify(report, undefined, 1));
else {
  console.log(
    `pipeline of ${values.stages}: ${pipelineMs.toFixed(0)} ms a step (predicted ${report.predictedMs.pipeline.toFixed(0)})`,
  );
  console.log(
    `one worker:    ${workerMs.toFixed(0)} ms, ${report.speedup.overWorker.toFixed(2)} times the pipeline's time`,
  );
  console.log(
    `one session with ${availableParallelism()} cores: ${sessionMs.toFixed(0)} ms, ${report.speedup.overSession.toFixed(2)} times`,
  );
  console.log(
    `${report.overIdeal.toFixed(3)} times the ideal; bubble ${percent(report.bubble.measured)} (predicted ${percent(report.bubble.predicted)})`,
  );
  console.log(report.sameLosses ? "losses are the same bits in all three" : "losses DIFFER");
}

function busyMs({ startMs, endMs }: StepResult["rows"][number]): number {
  return endMs.reduce((sum, end, index) => sum + end - startMs[index]!, 0);
}

/** Idle time of all devices between the first start and the last end, as a share. */
function idleShare({ rows }: StepResult): number {
  const first = Math.min(...rows.map(({ startMs }) => startMs[0]!));
  const last = Math.max(...rows.map(({ endMs }) => endMs.at(-1)!));
  return 1 - rows.reduce((sum, row) => sum + busyMs(row), 0) / ((last - first) * rows.length);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
