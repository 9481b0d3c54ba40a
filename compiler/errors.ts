/** @file The one error class of pipewright, its codes, and the exit code that the command line gives for each. */
import { visibleMessage } from "./names.js";

/** Every kind of failure that a user can act on, with the exit code of the command line. */
export const EXIT_CODE = {
  /** A flag, a configuration value or a name that the user gave is wrong. */
  USAGE: 2,
  /** A symbolic dimension has no value; `--bind` gives one. */
  DIM_UNBOUND: 2,
  /** The loss names an output or has a form that the model lacks. */
  LOSS_UNKNOWN: 2,
  /** The bytes are no ONNX model, or the model breaks ONNX's own rules. */
  MODEL_MALFORMED: 3,
  /** Shapes, element types or attributes of a node contradict each other. */
  SHAPE_MISMATCH: 3,
  /** Valid ONNX that cannot be trained; all reasons are listed. */
  MODEL_UNSUPPORTED: 4,
  /** A declared limit is passed. */
  LIMIT_EXCEEDED: 5,
  /** A file or the disk failed. */
  FILE: 6,
  /** No plan satisfies the constraints. */
  PLAN_INFEASIBLE: 7,
  /** A plan, checkpoint, profile or data file is corrupt or belongs to something else. */
  ARTEFACT_MISMATCH: 8,
  /** Training stopped by a fault that cannot be recovered. */
  TRAINING_FAULT: 9,
  /** The loss is NaN or infinite. */
  LOSS_NOT_FINITE: 10,
  /** Verification found a difference. */
  VERIFY_MISMATCH: 11,
  /** A signal came before there was anything to keep; 143 if it was SIGTERM. */
  INTERRUPTED: 130,
  /** A schedule breaks its rules (see schedule/check.ts). */
  SCHEDULE_INVALID: 7,
} as const;

export type ErrorCode = keyof typeof EXIT_CODE;

/** Exit code for a bug of pipewright itself. */
export const EXIT_INTERNAL = 70;

/** Data that goes with an error, for `--json`. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * An error the user can act on. The message has the form
 * "subject: what is wrong; got … expected …. What to do."
 * Ensures: the message holds no invisible character but the line feeds of lists and grids, whatever names it was made of.
 */
export class PipewrightError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(visibleMessage(message));
    this.name = "PipewrightError";
    this.code = code;
    this.details = details;
  }

  get exitCode(): number {
    return EXIT_CODE[this.code];
  }
}

/** Stops with an internal error if `condition` is false: a bug of ours, never of the user. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal: ${message}`);
}
