/** @file Messages between a run and the process that reads its samples, and where samples lie in their shared memory. */
import { tensorBytes } from "../compiler/ir/literal.js";
import type { FeedSpec, Dataset } from "./dataset/dataset.js";
import type { SentError } from "./env/sent-error.js";
import type { Region } from "./layout.js";
import { alignedBytes } from "./layout.js";

/** What is read, and how. */
export interface SampleSource {
  /** As given to `--data`. */
  readonly source: string;
  readonly inputs: readonly FeedSpec[];
  readonly seed: number;
  readonly shuffle: boolean;
  /** Microbatches per step. */
  readonly microbatches: number;
}

/** The first message: what to open. */
export interface ReaderStart extends SampleSource {
  readonly kind: "open";
  /** Name of the shared memory that holds the slots. */
  readonly memory: string;
}

export type ToReader =
  | ReaderStart
  /** Read a microbatch into a slot. Answers come in the order of the requests. */
  | { readonly kind: "read"; readonly step: number; readonly microbatch: number; readonly slot: number }
  | { readonly kind: "stop" };

export type FromReader =
  | { readonly kind: "opened"; readonly dataset: Omit<Dataset, "feeds"> }
  | { readonly kind: "read" }
  | ({ readonly kind: "failed" } & SentError);

/** Where the inputs of one slot lie, from the start of the slot, and how long a slot is. */
export interface SlotLayout {
  readonly regions: ReadonlyMap<string, Region>;
  readonly bytes: number;
}

/** Each input starts at a cache line. */
export function slotLayout(inputs: readonly FeedSpec[]): SlotLayout {
  const regions = new Map<string, Region>();
  let end = 0;
  for (const input of inputs) {
    const length = tensorBytes(input);
    regions.set(input.name, { offset: end, length });
    end += alignedBytes(length);
  }
  return { regions, bytes: end };
}
