/** @file Errors on their way between threads and processes, which can be sent data only. */
import type { ErrorCode, ErrorDetails } from "../../compiler/errors.js";
import { PipewrightError } from "../../compiler/errors.js";

/** An error as data. With a code it is a PipewrightError. */
export interface SentError {
  readonly message: string;
  readonly code?: ErrorCode;
  readonly details?: ErrorDetails;
}

/** What was thrown, as data. */
export function sentError(error: unknown): SentError {
  if (error instanceof PipewrightError) return { message: error.message, code: error.code, details: error.details };
  return { message: error instanceof Error ? error.message : String(error) };
}

/** The error to throw again on the other side. */
export function receivedError({ message, code, details }: SentError): Error {
  return code === undefined ? new Error(message) : new PipewrightError(code, message, details);
}
