/**
 * @file What plans predict against what happens, on the models of the benches: stage times, step time, peak memory.
 * `npm run -s bench:partition -- --measured [--rounds N] [--json]` (bench-partition.ts calls this).
 */
import { localCluster } from "../compiler/cluster.js";
import { compile } from "../compiler/compile.js";
import { parseLoss } from "../compiler/loss/spec.js";
import { ADAMW } from "../compiler/optimizer/adamw.js";
import { predictedStepMs } from "../compiler/plan/forecast.js";
import type { Plan } from "../compiler/plan/plan.js";
import { modelFile } from "../models/file.js";
import { BENCH_GPT, buildGpt, GPT_LOSS } from "../models/gpt.js";
import { buildMlp, MLP_LOSS } from "../models/mlp.js";
import type { BuiltModel } from "../models/model.js";
import { buildResnet, RESNET_LOSS } from "../models/resnet.js";
import type { Task } from "../models/tasks.js";
import { clusterTask, markovTask } from "../models/tasks.js";
import { engineFor } from "../runtime/engine/registry.js";
import { nodeEnv } from "../runtime/env/node.js";
import { measureProfile } from "../runtime/measure.js";
import { loadWeights, modelOf } from "../runtime/model-file.js";
import type { StepResult } from "../runtime/pipeline.js";
import { Pipeline } from "../runtime/pipeline.js";
import { writePlan } from "../runtime/plan/directory.js";
import { stepBatch } from "../runtime/train.js";

interface Subject {
  readonly name: string;
  readonly built: BuiltModel;
  readonly loss: string;
  readonly task: Task;
}

const RESNET = { batch: 8, image: 32, channels: 32, groups: 3, blocks: 2, classes: 10 };
const MLP = { batch: 64, inputs: 512, widths: [1024, 1024, 1024, 1024], classes: 64 };

const SUBJECTS: readonly Subject[] = [
  { name: "gpt", built: buildGpt(BENCH_GPT), loss: GPT_LOSS, task: markovTask(BENCH_GPT) },
  {
    name: "convolutional",
    built: buildResnet(RESNET),
    loss: RESNET_LOSS,
    task: clusterTask({
      batch: RESNET.batch,
      input: "image",
      shape: [3, RESNET.image, RESNET.image],
      classes: RESNET.classes,
    }),
  },
  {
    name: "wide mlp",
    built: buildMlp(MLP),
    loss: MLP_LOSS,
    task: clusterTask({ batch: MLP.batch, input: "x", shape: [MLP.inputs], classes: MLP.classes }),
  },
];

const MICROBATCHES = 8;
const DEVICES = 2;

/** A figure that was predicted, and what was measured of it. */
interface Pair {
  readonly what: string;
  readonly predicted: number;
  readonly measured: number;
}

/** Runs every model for some steps; of times the fastest step of each action counts, since other load only makes it slower. */
export async function benchMeasured(rounds: number, asJson: boolean): Promise<void> {
  for (const subject of SUBJECTS) {
    const pairs = await compare(subject, rounds);
    const errors = pairs.map((pair) => ({ ...pair, error: pair.predicted / pair.measured - 1 }));
    if (asJson) console.log(JSON.stringify({ model: subject.name, devices: DEVICES, pairs: errors }));
    else {
      console.log(subject.name);
      for (const { what, predicted, measured, error } of errors)
        console.log(
          `  ${what.padEnd(22)} predicted ${predicted.toFixed(2).padStart(9)}  measured ${measured.toFixed(2).padStart(9)}  ${(100 * error).toFixed(1).padStart(6)} %`,
        );
    }
  }
}

async function compare({ name, built, loss, task }: Subject, rounds: number): Promise<readonly Pair[]> {
  const env = nodeEnv();
  const model = modelOf(modelFile(built), name);
  const weights = await loadWeights(env, model);
  const folder = await env.files.temporaryDirectory();
  const compiled = await compile(model, {
    cluster: localCluster(DEVICES),
    pipeline: { schedule: "1f1b", microbatches: MICROBATCHES },
    training: { loss: [parseLoss(loss)] },
    optimizer: ADAMW,
    partition: { model: "direct", solver: undefined },
    profile: (graph, device) =>
      measureProfile(graph, engineFor({ kind: device.kind }), {
        repeat: 2 * rounds,
        clock: env.clock,
        weights: new Map([...weights].map(([own, { bytes }]) => [own, bytes])),
      }),
  });
  try {
    const plan = await writePlan(env, `${folder}/plan`, { ...compiled, weights, model: model.bytes });
    const pipeline = await Pipeline.start(env, `${folder}/plan`, plan, "process");
    const steps: StepResult[] = [];
    try {
      for (const [parameter, { bytes }] of weights) pipeline.writeParameter(parameter, bytes);
      for (let step = 0; step <= rounds; step++) {
        const batch = await stepBatch(plan, { samples: undefined, about: name, feeds: task.feeds }, step);
        const result = await pipeline.step(batch, { update: step + 1 });
        if (step > 0) steps.push(result);
      }
    } finally {
      await pipeline.close();
    }
    return pairsOf(plan, steps);
  } finally {
    await env.files.remove(folder);
  }
}

function pairsOf(plan: Plan, steps: readonly StepResult[]): readonly Pair[] {
  const { forecast } = plan.schedule;
  const startMs = plan.profile.overheads!.map(({ actionMs }) => actionMs);
  const stages = plan.stages.map(({ index, device, forwardMs, inputGradMs, weightGradMs }): Pair => {
    const row = plan.rows[device]!;
    const own = row.flatMap(({ stage }, at) => (stage === index ? [at] : []));
    const fastest = own.map((at) =>
      Math.min(...steps.map(({ rows }) => rows[device]!.endMs[at]! - rows[device]!.startMs[at]!)),
    );
    const measured = fastest.reduce((sum, ms) => sum + ms, 0) / plan.microbatches;
    const phases = new Set(own.map((at) => row[at]!.phase)).size;
    const predicted = forwardMs + inputGradMs + weightGradMs + phases * startMs[device]!;
    return { what: `stage ${index}, ms`, predicted, measured };
  });
  const step = Math.min(...steps.map(({ ms }) => ms));
  return [
    ...stages,
    { what: "step, ms", predicted: predictedStepMs(forecast), measured: step },
    ...plan.devices.map((_, device): Pair => {
      const measured = Math.max(...steps.map(({ rows }) => rows[device]!.peakBytes));
      return {
        what: `memory ${device}, MiB`,
        predicted: forecast.peakBytes[device]! / 2 ** 20,
        measured: measured / 2 ** 20,
      };
    }),
  ];
}
