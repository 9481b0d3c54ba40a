/** @file Everything a report shows, read and computed once. */
import type { BlockMap } from "../../compiler/plan/block-map.js";
import type { ModelLimits } from "../../compiler/onnx/limits.js";
import { DEFAULT_LIMITS } from "../../compiler/onnx/limits.js";
import type { Plan } from "../../compiler/plan/plan.js";
import { residentBytes } from "../../compiler/plan/memory.js";
import { tensorBytes } from "../../compiler/ir/literal.js";
import type { Env } from "../env/env.js";
import { readPlan } from "../plan/directory.js";
import { readBlocks } from "./block-file.js";
import type { RunRecord } from "./run-record.js";
import { readRun } from "./run-record.js";
import type { SearchAttempt } from "./search-record.js";
import { readSearch } from "./search-record.js";
import type { StepView } from "./step-view.js";
import { measuredStep, predictedStep } from "./step-view.js";

/** A plan with all that lies beside it. */
export interface ReportDocument {
  readonly plan: Plan;
  readonly blocks: BlockMap | undefined;
  readonly run: RunRecord | undefined;
  readonly search: readonly SearchAttempt[];
  readonly predicted: StepView;
  readonly measured: StepView | undefined;
}

/** @throws FILE, ARTEFACT_MISMATCH, LIMIT_EXCEEDED. */
export async function readReport(
  env: Env,
  directory: string,
  limits: ModelLimits = DEFAULT_LIMITS,
): Promise<ReportDocument> {
  const plan = await readPlan(env, directory, limits);
  const [blocks, run, search] = await Promise.all([
    readBlocks(env, directory, plan),
    readRun(env, directory, plan),
    readSearch(env, directory),
  ]);
  return reportDocument(plan, blocks, run, search);
}

/** The same from parts. Requires: they belong together. */
export function reportDocument(
  plan: Plan,
  blocks: BlockMap | undefined,
  run: RunRecord | undefined,
  search: readonly SearchAttempt[],
): ReportDocument {
  const measured = run && measuredStep(plan, run.shown.rows);
  return { plan, blocks, run, search, predicted: predictedStep(plan), measured };
}

/** Median of the step times after the first two, in which memory is touched for the first time. */
export function medianStepMs({ stepMs }: Pick<RunRecord, "stepMs">): number {
  const settled = stepMs.length > 2 ? stepMs.slice(2) : [...stepMs];
  return settled.sort((a, b) => a - b)[Math.floor(settled.length / 2)] ?? 0;
}

/** Microbatches times the size of the batch axis of the inputs that have one. */
export function samplesPerStep({ inputs, microbatches }: Pick<Plan, "inputs" | "microbatches">): number {
  const batched = inputs.find(({ batchAxis }) => batchAxis !== undefined);
  return microbatches * (batched ? batched.shape[batched.batchAxis!]! : 1);
}

/** Idle share of all devices over a step. */
export function bubbleOf({ rows, spanMs }: StepView): number {
  const busy = rows.reduce(
    (sum, { cells }) => sum + cells.reduce((own, cell) => own + cell.endMs - cell.startMs, 0),
    0,
  );
  return spanMs > 0 ? 1 - busy / (spanMs * rows.length) : 0;
}

/** Predicted peak of a device, in bytes, by what it is for. */
export interface DeviceMemory {
  readonly device: string;
  readonly parameterBytes: number;
  /** Gradient sums and optimizer states. */
  readonly trainingBytes: number;
  /** Kept for microbatches in flight. */
  readonly activationBytes: number;
  /** Inside a running program. */
  readonly workspaceBytes: number;
  readonly limitBytes: number | undefined;
}

/** Memory of every device; the parts add up to its predicted peak. */
export function deviceMemory({
  devices,
  stages,
  parameters,
  slotGroups,
  optimizer,
  schedule,
}: Plan): readonly DeviceMemory[] {
  return devices.map(({ name, memoryBytes }, device) => {
    const isHere = (stage: number): boolean => stages[stage]!.device === device;
    const held = parameters.filter(({ stage }) => isHere(stage));
    const sum = <T>(list: readonly T[], bytes: (item: T) => number): number =>
      list.reduce((total, item) => total + bytes(item), 0);
    const parameterBytes = sum(held, tensorBytes);
    const resident = sum(
      stages.filter((stage) => stage.device === device),
      ({ index }) =>
        residentBytes(
          parameters.filter(({ stage }) => stage === index),
          optimizer,
        ),
    );
    const activationBytes = sum(
      slotGroups.filter(({ stage }) => isHere(stage)),
      ({ slots, values }) => slots * sum(values, tensorBytes),
    );
    const peak = schedule.forecast.peakBytes[device]!;
    return {
      device: name,
      parameterBytes,
      trainingBytes: resident - parameterBytes,
      activationBytes,
      workspaceBytes: Math.max(0, peak - resident - activationBytes),
      limitBytes: memoryBytes,
    };
  });
}
