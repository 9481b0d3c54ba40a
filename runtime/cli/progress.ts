/** @file What a command tells while it works: phases, solver, training steps. How it is shown is decided by who listens. */

/** A partition that a solver has found, or a better bound. Times per microbatch. */
export interface Incumbent {
  /** Slowest stage; Infinity while there is no partition. */
  readonly bottleneckMs: number;
  readonly boundMs: number;
  /** (bottleneck − bound) / bottleneck. */
  readonly gap: number;
  /** The method that found it. */
  readonly method: string;
}

/** A schedule that was tried for the plan. */
export interface Tried {
  readonly schedule: string;
  readonly status: string;
  /** Undefined where it was ruled out before it was simulated. */
  readonly stepMs: number | undefined;
}

/** A training step that is done. */
export interface TrainedStep {
  /** Counts from 1; `steps` is that of the last. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly gradNorm: number | undefined;
  readonly ms: number;
  readonly samplesPerSecond: number;
}

/** The phases of one command, in order. */
export interface Progress {
  /** Ends the phase before, if it has not ended, and begins `name`. */
  begin(name: string): void;
  /** The solver is nearer to the end. */
  incumbent(found: Incumbent): void;
  tried(attempt: Tried): void;
  step(done: TrainedStep): void;
  /** Ends the phase with a summary of what came out. */
  end(summary: string): void;
  /** What the user must know. */
  note(line: string): void;
  /** What only those who asked for more want to know. */
  detail(line: string): void;
  /** Removes a half-drawn line, before an error is shown. */
  clear(): void;
}

const nothing = (): void => {};

/** Progress that nobody sees. */
export const SILENT: Progress = {
  begin: nothing,
  incumbent: nothing,
  tried: nothing,
  step: nothing,
  end: nothing,
  note: nothing,
  detail: nothing,
  clear: nothing,
};
