/**
 * @file What plans predict against what happens, on the models of the benches: stage times, step time, peak memory.
 * `npm run -s bench:partition -- --measured [--rounds N] [--json]` (bench-partition.ts calls this).
 */
import { localCluster } from "../compiler/cluster.js";
import { predictedStepMs } from "../compiler/plan/forecast.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { Lesson } from "../models/lesson.js";
import { nodeEnv } from "../runtime/env/node.js";
import type { StepResult } from "../runtime/pipeline.js";
import { Arena } from "./train/contestant.js";
import { BENCH_MODELS } from "./train/models.js";

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
  for (const [model, { lesson }] of Object.entries(BENCH_MODELS)) {
    const pairs = await compare(lesson(), rounds);
    const errors = pairs.map((pair) => ({ ...pair, error: pair.predicted / pair.measured - 1 }));
    if (asJson) console.log(JSON.stringify({ model, devices: DEVICES, pairs: errors }));
    else {
      console.log(model);
      for (const { what, predicted, measured, error } of errors)
        console.log(
          `  ${what.padEnd(22)} predicted ${predicted.toFixed(2).padStart(9)}  measured ${measured.toFixed(2).padStart(9)}  ${(100 * error).toFixed(1).padStart(6)} %`,
        );
    }
  }
}

async function compare(lesson: Lesson, rounds: number): Promise<readonly Pair[]> {
  const env = nodeEnv();
  const folder = await env.files.temporaryDirectory();
  const arena = new Arena(env, folder, lesson, { microbatches: MICROBATCHES, repeat: 2 * rounds });
  try {
    const contestant = await arena.enter({ name: "pipeline", cluster: localCluster(DEVICES), schedule: "1f1b" });
    const steps: StepResult[] = [];
    try {
      for (let step = 0; step <= rounds; step++) {
        const result = await contestant.step(step);
        if (step > 0) steps.push(result);
      }
    } finally {
      await contestant.pipeline.close();
    }
    return pairsOf(contestant.plan, steps);
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
