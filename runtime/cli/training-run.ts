/** @file One training run as the command line shows it: losses, step time and bubble, predicted and measured. */
import { predictedStepMs } from "../../compiler/plan/forecast.js";
import type { ModelLimits } from "../../compiler/onnx/limits.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import type { Dataset } from "../dataset/dataset.js";
import type { RowTimes } from "../row-times.js";
import { ranActions } from "../row-times.js";
import { engineFor } from "../engine/registry.js";
import { hostFacts } from "../env/host.js";
import type { PipelineMode } from "../pipeline.js";
import { readReport, samplesPerStep } from "../report/document.js";
import { REPORT_FILE, writeReport } from "../report/page.js";
import { writeRun } from "../report/run-record.js";
import { planTrace, TRACE_FILE } from "../report/trace.js";
import { StragglerWatch } from "../straggler.js";
import type { StepShares } from "../step-shares.js";
import { meanShares, SHARE_NAMES, sumOfShares } from "../step-shares.js";
import { train } from "../train.js";
import type { LastingOptions } from "./lasting-run.js";
import { LastingRecord } from "./lasting-run.js";
import { StepTimes } from "./step-times.js";
import type { Context } from "./command.js";
import type { Progress } from "./progress.js";
import { formatDifference, formatMs, formatShare, significant } from "../report/format.js";
import { planPrecision, precisionJson } from "./render/precision.js";
import type { Fact } from "./render/table.js";
import type { TimelineRow } from "./render/timeline.js";

/** Steps at the start that do not count as measured: memory is touched for the first time. */
const WARM_UP_STEPS = 2;

/** What is trained and how long. */
export interface RunRequest {
  readonly directory: string;
  readonly plan: Plan;
  readonly dataset: Dataset;
  readonly steps: number;
  readonly mode?: PipelineMode;
  /** Checkpoints, restarts and reading ahead. */
  readonly lasting?: LastingOptions;
}

/** A run that has ended. */
export interface Run {
  /** Mean loss before each update. */
  readonly losses: readonly number[];
  /** Of every step, for the parameters that are in no group. */
  readonly learningRates: readonly number[];
  /** Norm of all gradients before every update; empty where gradients are not clipped. */
  readonly gradNorms: readonly number[];
  /** Wall time of every step. */
  readonly stepTimesMs: readonly number[];
  /** Median over the steps after the first ones. */
  readonly stepMs: number;
  /** Idle share of the devices between first start and last end, of the step with the median time. */
  readonly bubble: number;
  /** When each action of that step ran. */
  readonly rows: readonly RowTimes[];
  readonly weights: Tensors | undefined;
  /** Steps before this run, which it continued. */
  readonly resumedSteps: number;
  /** The newest checkpoint that this run wrote. */
  readonly checkpoint: string | undefined;
  /** Workers that were lost and replaced. */
  readonly recoveries: number;
  /** Devices that were much slower than planned, in sentences. */
  readonly stragglers: readonly string[];
  /** Share of the wall time that steps waited for samples. */
  readonly dataShare: number;
}

/** Trains in the phase "train". An interrupt ends the run after the step. What is not as planned is said at once. */
export async function runTraining(
  { env, signal }: Pick<Context, "env" | "signal">,
  progress: Progress,
  { directory, plan, dataset, steps, mode = "process", lasting = {} }: RunRequest,
): Promise<Run> {
  const losses: number[] = [];
  const learningRates: number[] = [];
  const gradNorms: number[] = [];
  const kept = new StepTimes(WARM_UP_STEPS);
  const stragglers = new StragglerWatch(plan);
  const said = new LastingRecord(progress);
  let weights: Tensors | undefined;
  const samples = samplesPerStep(plan);
  progress.begin("train");
  const options = {
    dataset,
    steps,
    mode,
    ...said.listenTo(lasting),
    isCancelled: () => signal.aborted,
    onTrained: (trained: Tensors) => void (weights = trained),
  };
  for await (const report of train(env, directory, plan, options)) {
    losses.push(report.loss);
    learningRates.push(report.learningRate);
    if (report.gradNorm !== undefined) gradNorms.push(report.gradNorm);
    kept.add(report);
    for (const straggler of stragglers.add(report.rows)) progress.note(straggler);
    const { step, loss, learningRate, gradNorm, ms } = report;
    progress.step({ step, steps, loss, learningRate, gradNorm, ms, samplesPerSecond: (1000 * samples) / ms });
  }
  const { median } = kept;
  progress.end(`${losses.length} steps, loss ${significant(losses[0] ?? NaN)} to ${significant(losses.at(-1) ?? NaN)}`);
  return {
    losses,
    learningRates,
    gradNorms,
    stepTimesMs: kept.timesMs,
    stepMs: median?.ms ?? 0,
    bubble: measuredBubble(median?.rows ?? []),
    rows: median?.rows ?? [],
    weights,
    resumedSteps: said.resumedSteps,
    checkpoint: said.checkpoint,
    recoveries: said.recoveries,
    stragglers: stragglers.found,
    dataShare: kept.dataShare,
  };
}

/** Leaves run.json, trace.json and report.html beside the plan. Requires: the run took a step. */
export async function recordRun(
  { env, version }: Context,
  directory: string,
  plan: Plan,
  run: Run,
  limits?: ModelLimits,
): Promise<void> {
  const engine = engineFor(plan.devices[0]!);
  const versions = { pipewright: version, engine: engine.version };
  engine.close();
  const { losses, stepTimesMs, rows } = run;
  await writeRun(env, directory, { losses, stepMs: stepTimesMs, rows, host: hostFacts(), versions });
  await env.files.writeAtomic(`${directory}/${TRACE_FILE}`, planTrace(await readReport(env, directory, limits)));
  await writeReport(env, directory, `${directory}/${REPORT_FILE}`, limits);
}

/** Idle share of a step, over all devices, from the first start to the last end of an action. */
export function measuredBubble(rows: readonly RowTimes[]): number {
  const starts = rows.flatMap(({ startMs }) => [...startMs]);
  const ends = rows.flatMap(({ endMs }) => [...endMs]);
  if (starts.length === 0) return 0;
  const span = ends.reduce((last, ms) => Math.max(last, ms)) - starts.reduce((first, ms) => Math.min(first, ms));
  const busy = ends.reduce((sum, end, at) => sum + end - starts[at]!, 0);
  return span > 0 ? 1 - busy / (span * rows.length) : 0;
}

/** What ran when, from the first start on. */
export function measuredRows(plan: Plan, rows: readonly RowTimes[]): readonly TimelineRow[] {
  const first = Math.min(...rows.map(({ startMs }) => startMs[0] ?? Infinity));
  return ranActions(plan, rows).map((ran, device) => ({
    label: plan.devices[device]!.name,
    cells: ran.map(({ action: { phase, microbatch }, startMs, endMs }) => ({
      phase,
      microbatch,
      startMs: startMs - first,
      endMs: endMs - first,
    })),
  }));
}

/** What `train --json` ends with. */
export function trainJson(plan: Plan, run: Run) {
  const {
    devices,
    schedule: { forecast },
  } = plan;
  const {
    losses,
    learningRates,
    gradNorms,
    stepMs,
    bubble,
    resumedSteps,
    checkpoint,
    recoveries,
    stragglers,
    dataShare,
  } = run;
  return {
    steps: losses.length,
    losses,
    finalLoss: losses.at(-1) ?? null,
    learningRates,
    gradNorms,
    stepMs: { predicted: predictedStepMs(forecast), measured: stepMs },
    bubble: { predicted: forecast.bubble, measured: bubble },
    devices: devices.map(({ name }) => name),
    ...precisionJson(planPrecision(plan)),
    resumedSteps,
    checkpoint: checkpoint ?? null,
    recoveries,
    stragglers,
    dataShare,
    stepShares: run.rows.length === 0 ? null : meanShares(run.rows.map(({ shares }) => shares)),
  };
}

/** Step time and bubble, predicted and measured, and what the devices spent the time on. */
export function runFacts(plan: Plan, { stepMs, bubble, rows }: Run): readonly Fact[] {
  const { forecast } = plan.schedule;
  const predictedMs = predictedStepMs(forecast);
  const rate = significant((1000 * samplesPerStep(plan)) / stepMs);
  return [
    [
      "step time",
      `predicted ${formatMs(predictedMs)}  measured ${formatMs(stepMs)}  (${formatDifference(predictedMs, stepMs)})`,
    ],
    ["samples/s", rate],
    ["bubble", `predicted ${formatShare(forecast.bubble)}  measured ${formatShare(bubble)}`],
    ...(rows.length === 0 ? [] : [["time", sharesText(meanShares(rows.map(({ shares }) => shares)))] as const]),
  ];
}

/** What devices spend a step on, as shares of it; those that round to nothing are left out. */
function sharesText(shares: StepShares): string {
  const all = sumOfShares(shares);
  const shown = SHARE_NAMES.filter((name) => shares[name] >= 0.0005 * all);
  return shown.map((name) => `${name} ${formatShare(shares[name] / all)}`).join("  ");
}

/** The losses as a line of blocks, lowest to highest, at most `width` of them. */
export function lossLine(losses: readonly number[], width: number): string {
  const blocks = "▁▂▃▄▅▆▇█";
  const count = Math.min(width, losses.length);
  const shown = Array.from({ length: count }, (_, at) => losses[Math.floor((at * losses.length) / count)]!);
  const low = Math.min(...shown);
  const range = Math.max(...shown) - low || 1;
  return shown.map((loss) => blocks[Math.round(((loss - low) / range) * (blocks.length - 1))]!).join("");
}
