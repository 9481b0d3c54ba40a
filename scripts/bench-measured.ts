/**
 * @file What plans predict against what happens, on the models of the benches: stage times, step time, peak memory.
 * `npm run -s bench:partition -- --measured [--rounds N] [--json]` (bench-partition.ts calls this).
 */
import { localCluster } from "../compiler/cluster.js";
import { predictedStepMs } from "../compiler/plan/forecast.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { Lesson } from "../models/lesson.js";
import { nodeEnv } from "../runtime/env/node.js";
import { median } from "../runtime/median.js";
import type { StepResult } from "../runtime/pipeline.js";
import { Arena } from "./train/contestant.js";
import { ForeignLoad, quietRounds } from "./train/foreign-load.js";
import { BENCH_MODELS } from "./train/models.js";

const MICROBATCHES = 8;
const DEVICES = 2;
/** Timed runs of a profile, as the commands make by default. */
const REPEAT = 10;
/** Steps of a round, after one to warm up. */
const STEPS = 5;

/** A figure that was predicted, and what was measured of it. */
interface Pair {
  readonly what: string;
  readonly predicted: number;
  readonly measured: number;
}

/** One profile, plan and run. */
interface Round {
  readonly pairs: readonly Pair[];
  /** What others used of the machine meanwhile. */
  readonly foreign: number | undefined;
}

/**
 * Profiles, plans and runs every model `rounds` times: a machine that is shared changes its speed from one minute to the
 * next, and no profile tells of that. Of times medians count, as in the profile; of rounds the quiet ones, and of their
 * errors the median.
 */
export async function benchMeasured(rounds: number, asJson: boolean): Promise<void> {
  for (const [model, { lesson }] of Object.entries(BENCH_MODELS)) {
    const kept: Round[] = [];
    for (let round = 0; round < rounds; round++) kept.push(await compare(lesson()));
    const { quiet, used } = quietRounds(kept);
    const pairs = used[0]!.pairs.map(({ what }, at) => {
      const own = used.map((round) => round.pairs[at]!);
      return {
        what,
        predicted: median(own.map(({ predicted }) => predicted)),
        measured: median(own.map(({ measured }) => measured)),
        error: median(own.map(({ predicted, measured }) => predicted / measured - 1)),
      };
    });
    const counts = { all: kept.length, quiet: quiet.length, used: used.length };
    if (asJson) console.log(JSON.stringify({ model, devices: DEVICES, rounds: counts, pairs }));
    else {
      console.log(`${model}: ${used.length} rounds of ${kept.length}, ${quiet.length} of them quiet`);
      for (const { what, predicted, measured, error } of pairs)
        console.log(
          `  ${what.padEnd(22)} predicted ${predicted.toFixed(2).padStart(9)}  measured ${measured.toFixed(2).padStart(9)}  ${(100 * error).toFixed(1).padStart(6)} %`,
        );
    }
  }
}

async function compare(lesson: Lesson): Promise<Round> {
  const env = nodeEnv();
  const folder = await env.files.temporaryDirectory();
  const arena = new Arena(env, folder, lesson, { microbatches: MICROBATCHES, repeat: REPEAT });
  const load = new ForeignLoad();
  try {
    const contestant = await arena.enter({ name: "pipeline", cluster: localCluster(DEVICES), schedule: "1f1b" });
    try {
      const steps = await contestant.steps(STEPS + 1);
      return { pairs: pairsOf(contestant.plan, steps.slice(1)), foreign: load.share };
    } finally {
      await contestant.close();
    }
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
    const busyMs = steps.map(({ rows }) =>
      own.reduce((sum, at) => sum + rows[device]!.endMs[at]! - rows[device]!.startMs[at]!, 0),
    );
    const measured = median(busyMs) / plan.microbatches;
    const phases = new Set(own.map((at) => row[at]!.phase)).size;
    const predicted = forwardMs + inputGradMs + weightGradMs + phases * startMs[device]!;
    return { what: `stage ${index}, ms`, predicted, measured };
  });
  const step = median(steps.map(({ ms }) => ms));
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
