/**
 * @file What it costs that no step is lost: a run that may lose workers and makes checkpoints against one that does
 * neither, in turns of so many steps as lie between two checkpoints. A turn begins with a checkpoint, so that what is
 * written beside the steps falls into it. Keeping what a lost worker changed is part of every step of both; it is timed
 * by itself.
 * Usage: npm run -s bench:recovery -- [--json] [--model gpt|resnet|mlp] [--stages S] [--every N] [--turns N]
 */
import { parseArgs } from "node:util";
import { localCluster } from "../compiler/cluster.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { Task } from "../models/tasks.js";
import { nodeEnv } from "../runtime/env/node.js";
import { layoutOf } from "../runtime/layout.js";
import { median } from "../runtime/median.js";
import type { StepReport, TrainOptions } from "../runtime/train.js";
import { train } from "../runtime/train.js";
import { Arena } from "./train/contestant.js";
import { BENCH_MODELS } from "./train/models.js";
import { recoveryMs } from "./train/recovery-cost.js";

const MICROBATCHES = 8;
/** Timed runs of the profile. */
const REPEAT = 10;
/** Steps of a turn for which the share of a checkpoint is told too. */
const USUAL_EVERY = 100;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    model: { type: "string", default: "gpt" },
    stages: { type: "string", default: "2" },
    every: { type: "string", default: "10" },
    turns: { type: "string", default: "6" },
  },
});
const [stages, every, turns] = [Number(values.stages), Number(values.every), Number(values.turns)];
const bench = BENCH_MODELS[values.model];
if (!bench) throw new Error(`--model ${values.model}: expected ${Object.keys(BENCH_MODELS).join(", ")}`);

const env = nodeEnv();
const folder = await env.files.temporaryDirectory();

/** A run whose next turn begins with step `every`. */
async function start(plan: Plan, { feeds, name }: Task, options: Partial<TrainOptions>) {
  const dataset = { samples: undefined, about: name, feeds };
  const run = train(env, `${folder}/plan`, plan, { ...options, dataset, steps: every * (turns + 1) });
  for (let step = 1; step < every; step++) await run.next();
  return run;
}

/** Wall time of the next `every` steps, with what is between them. */
async function turnMs(run: AsyncGenerator<StepReport>): Promise<number> {
  const startMs = env.clock.nowMs();
  for (let step = 0; step < every; step++) await run.next();
  return env.clock.nowMs() - startMs;
}

try {
  const lesson = bench.lesson();
  const arena = new Arena(env, folder, lesson, { microbatches: MICROBATCHES, repeat: REPEAT });
  const contestant = await arena.enter({ name: "plan", cluster: localCluster(stages), schedule: "auto" });
  await contestant.close();
  const { plan } = contestant;
  const plain = await start(plan, lesson.task, {});
  const checkpoints = { directory: `${folder}/checkpoints`, every, keep: 2 };
  const guarded = await start(plan, lesson.task, { restarts: 3, checkpoints });
  const pairs: { plainMs: number; guardedMs: number }[] = [];
  for (let turn = 0; turn < turns; turn++)
    pairs.push({ plainMs: await turnMs(plain), guardedMs: await turnMs(guarded) });
  for (const run of [plain, guarded]) await run.return(undefined);

  const stepMs = median(pairs.map(({ plainMs }) => plainMs)) / every;
  const checkpointMs = median(pairs.map(({ plainMs, guardedMs }) => guardedMs - plainMs));
  const keepingMs = recoveryMs(env, plan, turns);
  const shareEvery = (steps: number): number => (keepingMs + checkpointMs / steps) / stepMs;
  const { params, states } = layoutOf(plan);
  const saved = [...params.values(), ...[...states.values()].flat()];
  const stateMb = saved.reduce((sum, { length }) => sum + length, 0) / 1e6;
  const report = {
    model: values.model,
    stages,
    schedule: plan.schedule.name,
    every,
    turns,
    stepMs,
    stateMb,
    checkpointMs,
    keepingMs,
    share: { [every]: shareEvery(every), [USUAL_EVERY]: shareEvery(USUAL_EVERY) },
  };
  if (values.json) console.log(JSON.stringify(report, undefined, 1));
  else {
    console.log(
      `${stages} stages under ${plan.schedule.name}: ${stepMs.toFixed(0)} ms a step; a checkpoint of ${stateMb.toFixed(0)} MB takes ${checkpointMs.toFixed(0)} ms of the steps around it, keeping what a lost worker changed ${keepingMs.toFixed(2)} ms a step`,
    );
    for (const [steps, share] of Object.entries(report.share))
      console.log(`together ${(100 * share).toFixed(2)} % of the time with a checkpoint every ${steps} steps`);
  }
} finally {
  await env.files.remove(folder);
}
