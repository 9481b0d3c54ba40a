/** @file The declared limits of the ONNX door. Every door (library, command line, resume) uses the one loader and these. */
import { PipewrightError } from "../errors.js";

/** Largest sizes that a model may have. Passing one is LIMIT_EXCEEDED; each can be raised by the caller. */
export interface ModelLimits {
  /** Bytes of the file itself, without external data. */
  readonly fileBytes: number;
  /** Messages inside messages. 100 is what every protobuf reader allows. */
  readonly nesting: number;
  /** Nodes, after functions are inlined and loops unrolled. */
  readonly nodes: number;
  /** Nodes that functions, loops and composite operators may add to those in the file. */
  readonly expandedNodes: number;
  /** Initializers and tensors in attributes. */
  readonly tensors: number;
  /** Messages of all kinds in the file. */
  readonly messages: number;
  /** Numbers that stand one by one in the file: attribute lists, dims, unpacked tensor data. */
  readonly numbers: number;
  /** Names and other texts in the file. */
  readonly texts: number;
  /** Byte strings in lists: those of attributes and of tensors of strings. Each costs far more memory than its bytes. */
  readonly byteStrings: number;
  /** Numbers in one attribute. */
  readonly attributeNumbers: number;
  /** Axes of a tensor. */
  readonly axes: number;
  readonly attributesPerNode: number;
  /** Bytes of a name. */
  readonly nameBytes: number;
  /** Model-local functions. */
  readonly functions: number;
  /** Elements of one folded constant. */
  readonly foldedElements: number;
  /** Elements of all tensors made by folding. */
  readonly foldedElementsInAll: number;
  /** Elements of one tensor. */
  readonly tensorElements: number;
}

export const DEFAULT_LIMITS: ModelLimits = {
  fileBytes: 2 ** 31,
  nesting: 100,
  nodes: 1_000_000,
  expandedNodes: 50_000,
  tensors: 1_000_000,
  messages: 2_000_000,
  numbers: 16_000_000,
  texts: 4_000_000,
  byteStrings: 500_000,
  attributeNumbers: 500_000,
  axes: 64,
  attributesPerNode: 1_024,
  nameBytes: 64 * 1024,
  functions: 10_000,
  foldedElements: 4_096,
  foldedElementsInAll: 16 * 1024 * 1024,
  tensorElements: 2 ** 32,
};

/** The limits of the stage graphs of a model within `limits`: names get suffixes there. */
export function stageLimits(limits: ModelLimits): ModelLimits {
  return { ...limits, nameBytes: 2 * limits.nameBytes };
}

/** The error for a limit that `found` passes. `what` says what was counted and where. */
export function overLimit(limit: keyof ModelLimits, what: string, found: number, allowed: number): PipewrightError {
  const advice = Number.isSafeInteger(found)
    ? `Raise it with --limit ${limit}=${found}.`
    : `--limit ${limit}=NUMBER raises it, but not that far.`;
  return new PipewrightError(
    "LIMIT_EXCEEDED",
    `${what} is over the limit; got ${Number.isSafeInteger(found) ? found : "more than 2^53"}, the limit is ${allowed}. ${advice}`,
    { limit, found, allowed },
  );
}
