/** @file What actions and transfers cost: the input of simulation, bound and search. Times in ms, per stage. */
import { PipewrightError } from "../errors.js";
import type { StashSizes } from "./in-flight.js";

/** 30 years: sums of times this long stay numbers. */
export const LONGEST_MS = 1e12;

/**
 * Tensors that go from stage `from` to stage `to` of each microbatch, and their gradients that come back. A message
 * occupies the link between the two devices for its wire time, one message after the other, and arrives `latencyMs`
 * later. Nothing is charged between stages of one device.
 */
export interface Transfer {
  readonly from: number;
  readonly to: number;
  readonly latencyMs: number;
  /** Of the way back. Default: latencyMs. */
  readonly gradLatencyMs?: number;
  /** Wire time of the activations. */
  readonly forwardMs: number;
  /** Wire time of the gradients. */
  readonly gradMs: number;
}

/** One entry per stage. B takes inputGradMs + weightGradMs. */
export interface ScheduleCosts {
  readonly forwardMs: readonly number[];
  readonly inputGradMs: readonly number[];
  readonly weightGradMs: readonly number[];
  /** Stages that exchange tensors at a cost; the others hand over at no cost. A pair may skip stages. */
  readonly transfers?: readonly Transfer[];
  /** Whole activation of a stage, and the part of it that W needs. Default: 1, all of it. */
  readonly stash?: StashSizes;
  /**
   * Pairs of the schedule run as one action that hides this share of its shorter half: 0 is F + B, 1 is max(F, B).
   * Absent: the halves of a pair run one after the other like any two actions.
   */
  readonly overlap?: number;
  /** The sender computes nothing while a message of its is on the wire. Default: communication overlaps compute. */
  readonly blockingSends?: boolean;
}

/** The same times for every stage; by default F = I = W = 1, so B = 2. */
export function uniformCosts(
  stages: number,
  {
    forwardMs = 1,
    inputGradMs = 1,
    weightGradMs = 1,
  }: { forwardMs?: number; inputGradMs?: number; weightGradMs?: number } = {},
): ScheduleCosts {
  const all = (ms: number) => Array.from({ length: stages }, () => ms);
  return { forwardMs: all(forwardMs), inputGradMs: all(inputGradMs), weightGradMs: all(weightGradMs) };
}

/** The costs of several copies of the model as those of one schedule: their stages after each other. */
export function joinCosts(copies: readonly ScheduleCosts[]): ScheduleCosts {
  const [first] = copies;
  if (copies.length === 1) return first!;
  const parts = first!.forwardMs.length;
  const all = (list: (costs: ScheduleCosts) => readonly number[]) => copies.flatMap(list);
  return {
    ...first!,
    forwardMs: all(({ forwardMs }) => forwardMs),
    inputGradMs: all(({ inputGradMs }) => inputGradMs),
    weightGradMs: all(({ weightGradMs }) => weightGradMs),
    ...(first!.stash && {
      stash: { forward: all(({ stash }) => stash!.forward), weight: all(({ stash }) => stash!.weight) },
    }),
    transfers: copies.flatMap(({ transfers = [] }, copy) =>
      transfers.map((transfer) => ({
        ...transfer,
        from: transfer.from + copy * parts,
        to: transfer.to + copy * parts,
      })),
    ),
  };
}

/** A link of this latency between all neighbouring stages. */
export function uniformLatency(stages: number, latencyMs: number): Transfer[] {
  return Array.from({ length: stages - 1 }, (_, from) => ({ from, to: from + 1, latencyMs, forwardMs: 0, gradMs: 0 }));
}

/** Stops with USAGE if a list is not one finite, non-negative number per stage, or a transfer names no stage. */
export function checkCosts(stages: number, costs: ScheduleCosts): void {
  const lists = {
    forwardMs: costs.forwardMs,
    inputGradMs: costs.inputGradMs,
    weightGradMs: costs.weightGradMs,
    ...(costs.stash && { "stash.forward": costs.stash.forward, "stash.weight": costs.stash.weight }),
  };
  for (const [name, list] of Object.entries(lists)) {
    const bad = list.findIndex((value) => !(value >= 0 && value < Infinity));
    if (list.length === stages && bad < 0) continue;
    const got = list.length === stages ? `${list[bad]} for stage ${bad}` : `${list.length} numbers`;
    throw new PipewrightError(
      "USAGE",
      `schedule costs: ${name} does not fit; got ${got} expected ${stages} finite numbers of at least 0. Give one number per stage.`,
    );
  }
  for (const { from, to, latencyMs, gradLatencyMs = latencyMs, forwardMs, gradMs } of costs.transfers ?? []) {
    const known = Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from < to && to < stages;
    if (known && [latencyMs, gradLatencyMs, forwardMs, gradMs].every((ms) => ms >= 0 && ms < Infinity)) continue;
    throw new PipewrightError(
      "USAGE",
      `schedule costs: bad transfer; got stage ${from} to ${to}, latency ${latencyMs}, wire times ${forwardMs} and ${gradMs} expected stages in order below ${stages} and finite times of at least 0. Correct the transfer.`,
    );
  }
}
