/** @file Schedules as plain data: which action each device runs, in which order. No times, no tensors. */

/** F: forward. B: whole backward. I: gradient to the inputs. W: gradient to the weights. B is I then W. */
export type Phase = "F" | "B" | "I" | "W";

/** One compute cell of the grid: "2F0" is stage 2, forward, microbatch 0. */
export interface Action {
  readonly stage: number;
  readonly phase: Phase;
  readonly microbatch: number;
}

/**
 * The actions of every device in order. Stage s runs on device `placement[s]`; stages are numbered along the data
 * flow. Ensured by check.ts: every stage runs F and either B or I and W of every microbatch exactly once, in an order
 * that no dependency contradicts.
 */
export interface Schedule {
  readonly name: string;
  readonly devices: number;
  readonly stages: number;
  readonly microbatches: number;
  readonly placement: readonly number[];
  readonly rows: readonly (readonly Action[])[];
}

/** "2F0". */
export function formatAction({ stage, phase, microbatch }: Action): string {
  return `${stage}${phase}${microbatch}`;
}
