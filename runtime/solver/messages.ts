/** @file What passes between a thread that wants a model solved and the thread that hosts the solver. Types only. */
import type { MilpLimits, MilpModel, MilpResult } from "../../compiler/partition/milp.js";

/** One job. */
export interface SolveRequest {
  readonly job: number;
  readonly model: MilpModel;
  readonly limits: MilpLimits;
}

/** The answer to the job of the same number, or why there is none. */
export type SolveReply =
  | { readonly job: number; readonly result: MilpResult; readonly error?: undefined }
  | { readonly job: number; readonly error: string };
