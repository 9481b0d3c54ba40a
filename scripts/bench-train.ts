/**
 * @file Step time of a pipeline against one worker and against one session with all cores, paired in one run:
 * `npm run -s bench:train -- [--json] [--model gpt|resnet|mlp] [--stages S] [--microbatches M] [--schedule auto|NAME]
 * [--rounds N] [--peer torch [--python FILE]]`.
 *
 * The GPT has 4 layers, width 256, sequence 128, microbatch 4 and 6,144 words. All ways take turns of two steps, so that
 * other load on the machine hits them alike; the second step counts, since training goes on without a pause, and in the
 * first the caches hold what others left. Each way is started three times, and its starts take turns too, since memory
 * lies better for one than for another. Medians and medians of paired ratios count; of rounds in which other programs took
 * less than 4 % of the machine, when there are three such rounds. Workers that each train the whole model at the same
 * time, as many as devices of the pipeline compute at once, tell how much cores slow each other down when nothing is
 * shared. The session with all cores is one of our workers with as many threads, which sleep when they have nothing to do.
 * Beside it are sessions of onnxruntime-node, without our runtime, whose threads spin as by default, or sleep. The peer is
 * PyTorch's own pipeline with the GPT of the same sizes: 1F1B, two ranks over Gloo, one thread each.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { ClusterSpec } from "../compiler/cluster.js";
import { localCluster } from "../compiler/cluster.js";
import { predictedStepMs } from "../compiler/plan/forecast.js";
import { BENCH_GPT } from "../models/gpt.js";
import { nodeEnv } from "../runtime/env/node.js";
import { median } from "../runtime/median.js";
import type { StepResult } from "../runtime/pipeline.js";
import { SHARE_NAMES } from "../runtime/step-shares.js";
import type { Contestant } from "./train/contestant.js";
import { Arena } from "./train/contestant.js";
import { ForeignLoad, quietRounds } from "./train/foreign-load.js";
import { BENCH_MODELS } from "./train/models.js";
import type { PlainSession, PlainStep } from "./train/plain-session.js";
import { recoveryMs } from "./train/recovery-cost.js";
import { accountingOf, computeMs, idleShare } from "./train/statistics.js";
import { TorchPeer } from "./train/torch-peer.js";

const PROFILE_RUNS = 10;
/** Of each way; they take turns, and the first turn of each does not count. */
const STARTS = 3;
/** Steps of a turn, of which the last counts. */
const TURN = 2;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    model: { type: "string", default: "gpt" },
    rounds: { type: "string", default: "15" },
    microbatches: { type: "string", default: "8" },
    stages: { type: "string", default: "2" },
    schedule: { type: "string", default: "auto" },
    peer: { type: "string" },
    python: { type: "string", default: "python3" },
  },
});
const [rounds, microbatches, stages] = [Number(values.rounds), Number(values.microbatches), Number(values.stages)];
const bench = BENCH_MODELS[values.model];
if (!bench) throw new Error(`--model ${values.model}: expected ${Object.keys(BENCH_MODELS).join(", ")}`);
if (values.peer !== undefined && (values.peer !== "torch" || values.model !== "gpt"))
  throw new Error("--peer: expected torch, with --model gpt");

function wholeMachine(): ClusterSpec {
  const one = localCluster(1);
  return { ...one, devices: one.devices.map((device) => ({ ...device, threads: availableParallelism() })) };
}

async function turn(contestant: Contestant): Promise<StepResult> {
  const steps = await contestant.steps(TURN);
  return steps.at(-1)!;
}

/** The steps of one round that count, in the order of the contestants, and what disturbed them. */
interface Round {
  readonly steps: readonly StepResult[];
  /** Of the workers that train at the same time. */
  readonly beside: readonly StepResult[];
  readonly spinning: PlainStep;
  readonly sleeping: PlainStep;
  readonly peerMs: number | undefined;
  readonly foreign: number | undefined;
}

const env = nodeEnv();
const folder = await env.files.temporaryDirectory();
const arena = new Arena(env, folder, bench.lesson(), { microbatches, repeat: PROFILE_RUNS, starts: STARTS });
const contestants: Contestant[] = [];
const independent: Contestant[] = [];
/** Devices that compute at the same time at most. */
const busyCores = Math.min(stages, availableParallelism());
const kept: Round[] = [];
const spinners: PlainSession[] = [];
const sleepers: PlainSession[] = [];
const peers: TorchPeer[] = [];
try {
  contestants.push(await arena.enter({ name: "worker", cluster: localCluster(1), schedule: "1f1b" }));
  contestants.push(await arena.enter({ name: "pipeline", cluster: localCluster(stages), schedule: values.schedule }));
  contestants.push(await arena.enter({ name: "session", cluster: wholeMachine(), schedule: "1f1b" }));
  for (let core = 0; core < busyCores; core++)
    independent.push(await arena.enter({ name: `beside-${core}`, cluster: localCluster(1), schedule: "1f1b" }));
  const threads = availableParallelism();
  spinners.push(...(await arena.enterPlain(contestants[0]!, { threads, spins: true })));
  sleepers.push(...(await arena.enterPlain(contestants[0]!, { threads, spins: false })));
  if (values.peer !== undefined)
    for (let start = 0; start < STARTS; start++)
      peers.push(await TorchPeer.start(values.python, BENCH_GPT, microbatches));
  for (let round = 0; round < STARTS + rounds; round++) {
    const load = new ForeignLoad();
    const steps: StepResult[] = [];
    for (const contestant of contestants) steps.push(await turn(contestant));
    const beside = await Promise.all(independent.map(turn));
    const spinning = await spinners[round % STARTS]!.steps(TURN);
    const sleeping = await sleepers[round % STARTS]!.steps(TURN);
    const peerMs = await peers[round % STARTS]?.steps(TURN);
    if (round >= STARTS) kept.push({ steps, beside, spinning, sleeping, peerMs, foreign: load.share });
  }
} finally {
  for (const contestant of [...contestants, ...independent, ...spinners, ...sleepers]) await contestant.close();
  for (const peer of peers) await peer.stop();
  await env.files.remove(folder);
}

const { quiet, used } = quietRounds(kept);
const [workers, pipelines, sessions] = contestants.map((_, at) => used.map(({ steps }) => steps[at]!)) as [
  StepResult[],
  StepResult[],
  StepResult[],
];
const spinningMs = ({ spinning }: Round): number => spinning.ms;
const sleepingMs = ({ sleeping }: Round): number => sleeping.ms;
const medianMs = (steps: readonly StepResult[]): number => median(steps.map(({ ms }) => ms));
const ratio = (others: readonly number[]): number => median(pipelines.map(({ ms }, round) => others[round]! / ms));
const [worker, pipeline] = contestants as [Contestant, Contestant];
const keepingMs = recoveryMs(env, pipeline.plan, rounds);
const [peer] = peers;
const peerTimesMs = used.flatMap(({ peerMs }) => peerMs ?? []);
const report = {
  model: { name: values.model, ...bench.sizes, microbatches },
  stages,
  schedule: pipeline.plan.schedule.name,
  rounds: { all: kept.length, quiet: quiet.length, used: used.length },
  foreignShare: median(used.map(({ foreign }) => foreign ?? NaN)),
  stepMs: {
    pipeline: medianMs(pipelines),
    worker: medianMs(workers),
    session: medianMs(sessions),
    plainSession: { spinning: median(used.map(spinningMs)), sleeping: median(used.map(sleepingMs)) },
    ...(peer ? { torch: median(peerTimesMs) } : {}),
  },
  predictedMs: {
    pipeline: predictedStepMs(pipeline.plan.schedule.forecast),
    worker: predictedStepMs(worker.plan.schedule.forecast),
  },
  speedup: {
    overWorker: ratio(workers.map(({ ms }) => ms)),
    overSession: ratio(sessions.map(({ ms }) => ms)),
    overPlainSession: { spinning: ratio(used.map(spinningMs)), sleeping: ratio(used.map(sleepingMs)) },
    ...(peer ? { overTorch: ratio(peerTimesMs) } : {}),
  },
  overIdeal: median(pipelines.map((step, round) => step.ms / (computeMs(workers[round]!) / busyCores))),
  /** The same of workers that each have a core, all at once: what the cores can do when nothing is shared. */
  overIdealAtOnce: median(
    pipelines.map((step, round) => {
      const { beside } = used[round]!;
      return (step.ms * busyCores * beside.length) / beside.reduce((sum, own) => sum + computeMs(own), 0);
    }),
  ),
  contention: {
    pipeline: median(pipelines.map((step, round) => computeMs(step) / computeMs(workers[round]!))),
    independent: median(
      used.flatMap(({ beside }, round) => beside.map((step) => computeMs(step) / computeMs(workers[round]!))),
    ),
  },
  bubble: { predicted: pipeline.plan.schedule.forecast.bubble, measured: median(pipelines.map(idleShare)) },
  /** Weight gradients of a step that another device ran in the stead of theirs. */
  stoodIn: median(pipelines.map(({ rows }) => rows.reduce((sum, { stoodIn }) => sum + stoodIn.length, 0))),
  accounting: accountingOf(pipelines),
  recovery: { ms: keepingMs, shareOfStep: keepingMs / medianMs(pipelines) },
  /** Largest relative difference of a loss of the plain sessions, which round otherwise. */
  plainLossDifference: Math.max(
    ...kept.flatMap(({ steps: [one], spinning, sleeping }) =>
      [spinning, sleeping].flatMap(({ losses }) => losses.map((loss, at) => Math.abs(loss / one!.losses[at]! - 1))),
    ),
  ),
  sameLosses: kept.every(({ steps: [one, many] }) => one!.losses.every((loss, at) => loss === many!.losses[at])),
  ...(peer ? { peer: `torch ${peer.version}` } : {}),
};
if (values.json) console.log(JSON.stringify(report, undefined, 1));
else print();

function print(): void {
  const {
    stepMs,
    speedup,
    accounting,
    overIdeal,
    overIdealAtOnce,
    contention,
    bubble,
    predictedMs,
    schedule,
    recovery,
  } = report;
  const lines = [
    `pipeline of ${stages}: ${stepMs.pipeline.toFixed(0)} ms a step under ${schedule} (predicted ${predictedMs.pipeline.toFixed(0)})`,
    `one worker: ${stepMs.worker.toFixed(0)} ms, ${speedup.overWorker.toFixed(2)} times the pipeline's time`,
    `one session with ${availableParallelism()} cores: ${stepMs.session.toFixed(0)} ms, ${speedup.overSession.toFixed(2)} times`,
    ...(["spinning", "sleeping"] as const).map(
      (kind) =>
        `plain, with ${kind} threads: ${stepMs.plainSession[kind].toFixed(0)} ms, ${speedup.overPlainSession[kind].toFixed(2)} times`,
    ),
    ...(peer ? [`${report.peer!}: ${stepMs.torch!.toFixed(0)} ms, ${speedup.overTorch!.toFixed(2)} times`] : []),
    `${overIdeal.toFixed(3)} times the ideal, ${overIdealAtOnce.toFixed(3)} times that of independent workers at once; the devices compute ${contention.pipeline.toFixed(3)} times as long as one worker (independent workers: ${contention.independent.toFixed(3)}); bubble ${percent(bubble.measured)} (predicted ${percent(bubble.predicted)}); ${report.stoodIn} weight gradients ran on another device`,
    `a device's step: ${SHARE_NAMES.map((name) => `${name} ${accounting.shares[name].toFixed(2)}`).join(", ")} ms; the sum is ${accounting.sumOverStep.toFixed(4)} of it, overhead ${accounting.overheadMicrosPerAction.toFixed(0)} µs an action, ${percent(accounting.overheadOverStep)} of the step`,
    `keeping what a lost worker changed takes ${recovery.ms.toFixed(2)} ms, ${percent(recovery.shareOfStep)} of the step`,
    `${report.rounds.used} rounds of ${report.rounds.all}, ${report.rounds.quiet} of them quiet; others used ${percent(report.foreignShare)} of the machine`,
    `${report.sameLosses ? "losses are the same bits as those of one worker" : "losses DIFFER"}; the plain sessions' differ by ${report.plainLossDifference.toExponential(1)}`,
  ];
  console.log(lines.join("\n"));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
