/** @file Messages between the coordinator of a run and its workers. */
import type { Plan } from "../compiler/plan/plan.js";
import type { StepEnd } from "./executor.js";
import type { RowTimes } from "./row-times.js";

/** What a worker needs to start. */
export interface WorkerStart {
  readonly kind: "start";
  /** Directory of the plan, for its stage graphs. */
  readonly directory: string;
  readonly plan: Plan;
  readonly device: number;
  /** Name of the shared memory of the run. */
  readonly memory: string;
}

/** Run step `step` (0 is the first of the run); parameters and inputs are in the shared memory. */
export interface StepOrder {
  readonly kind: "step";
  readonly step: number;
  /** When it was sent, on the clock that all processes share. */
  readonly sentMs: number;
  readonly end: StepEnd;
  /** All rows are done; only what comes after them is left, perhaps in part. */
  readonly isFinishOnly: boolean;
  /** Bring parameters to the device first. */
  readonly pull: boolean;
  /** Bring parameters, sums and states back afterwards. */
  readonly push: boolean;
}

export type ToWorker = WorkerStart | StepOrder | { readonly kind: "stop" };

export type FromWorker =
  | { readonly kind: "ready"; readonly engine: string }
  | { readonly kind: "done"; readonly step: number; readonly times: RowTimes }
  /** The step was stopped because another device is gone. */
  | { readonly kind: "aborted"; readonly step: number }
  | { readonly kind: "failed"; readonly message: string; readonly code?: string };
