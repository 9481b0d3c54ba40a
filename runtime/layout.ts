/** @file Where everything lies in the memory that all workers of a run share. Made from the plan alone, so each process computes the same. */
import { tensorBytes } from "../compiler/ir/literal.js";
import { stateCount } from "../compiler/optimizer/update.js";
import type { ArenaGeometry } from "../compiler/plan/arena.js";
import { arenaGeometry } from "../compiler/plan/arena.js";
import type { Offer } from "../compiler/plan/offers.js";
import { offeredReads, offersOf } from "../compiler/plan/offers.js";
import { ALIGNMENT_BYTES } from "./engine/engine.js";
import { SHARED_WORD_BYTES } from "./shared-word.js";
import type { Plan, PlanParameter, TensorSpec } from "../compiler/plan/plan.js";

/** Part of the shared memory, in bytes. */
export interface Region {
  readonly offset: number;
  readonly length: number;
}

/**
 * The trained parameters of a stage, their gradient sums and their optimizer states: regions of equal length, with
 * each parameter at the same place in all of them. Padded with zeros to whole slabs.
 */
export interface Arena {
  readonly params: Region;
  readonly gradSums: Region;
  readonly states: readonly Region[];
  /** float32 elements of one slab; the arena holds a whole number of them. */
  readonly slabElements: number;
  readonly slabs: number;
  /** The optimizer's group of each slab. */
  readonly groups: ArenaGeometry["groups"];
  /** Two words: slabs updated in this step, and 1 + the slab whose old content is in `undo` (0: none). */
  readonly marker: Region;
  /** Parameters and states of one slab as they were before its update. */
  readonly undo: Region;
}

export interface Layout {
  readonly bytes: number;
  /** Offset of each device's progress words. */
  readonly progress: readonly number[];
  /** Of the plan. */
  readonly offers: readonly Offer[];
  /** The words of the claim on each of them, one after another. */
  readonly claims: Region;
  /** Offset of the word that stops the step in flight when it is not 0. */
  readonly abort: number;
  /** By input name: a region per microbatch, or one for all. */
  readonly inputs: ReadonlyMap<string, readonly Region[]>;
  /** By result name: a region per microbatch. */
  readonly results: ReadonlyMap<string, readonly Region[]>;
  /** By stage; undefined for a stage without trained parameters. */
  readonly arenas: readonly (Arena | undefined)[];
  /** Every parameter's own bytes. */
  readonly params: ReadonlyMap<string, Region>;
  /** The gradient sum of every trained parameter. */
  readonly gradSums: ReadonlyMap<string, Region>;
  /** The optimizer states of every trained parameter, in the order of the update graph. */
  readonly states: ReadonlyMap<string, readonly Region[]>;
  /** Where gradients are clipped: the sum of the squares of each trained parameter's gradient sum, in the plan's order. */
  readonly squares: Region | undefined;
  /** By name of a value that programs of several devices may read: a region per slot. */
  readonly slots: ReadonlyMap<string, readonly Region[]>;
}

/** Lays out the shared memory of a run. Ensures: regions are disjoint and start on cache lines of their own. */
export function layoutOf(plan: Plan): Layout {
  let end = 0;
  const take = (length: number): Region => {
    const offset = end;
    end += alignedBytes(length);
    return { offset, length };
  };
  const perMicrobatch = (spec: TensorSpec): readonly Region[] =>
    Array.from({ length: plan.microbatches }, () => take(tensorBytes(spec)));

  const progress = plan.devices.map(() => take(SHARED_WORD_BYTES).offset);
  const offers = offersOf(plan);
  const claims = take(offers.length * SHARED_WORD_BYTES);
  const abort = take(4).offset;
  const inputs = new Map(
    plan.inputs.map((input): [string, readonly Region[]] => {
      if (input.batchAxis !== undefined) return [input.name, perMicrobatch(input)];
      return [input.name, new Array<Region>(plan.microbatches).fill(take(tensorBytes(input)))];
    }),
  );
  const results = new Map(plan.results.map((result) => [result.name, perMicrobatch(result)]));
  const params = new Map<string, Region>();
  const gradSums = new Map<string, Region>();
  const states = new Map<string, readonly Region[]>();
  const arenas = plan.stages.map(({ index }) => {
    const own = plan.parameters.filter(({ stage }) => stage === index);
    for (const param of own) if (!param.trainable) params.set(param.name, take(tensorBytes(param)));
    const trained = own.filter(({ trainable }) => trainable);
    return trained.length === 0 ? undefined : takeArena(trained, plan, take, { params, gradSums, states });
  });
  const clipped = plan.optimizer.clipNorm === undefined ? [] : plan.parameters.filter(({ trainable }) => trainable);
  const squares = clipped.length > 0 ? take(clipped.length * 8) : undefined;
  const slots = new Map<string, readonly Region[]>();
  const offered = offeredReads(plan, offers);
  for (const group of plan.slotGroups) {
    for (const value of group.values) {
      if (value.shared || offered.has(value.name))
        slots.set(
          value.name,
          Array.from({ length: group.slots }, () => take(tensorBytes(value))),
        );
    }
  }
  const stepWords = { progress, offers, claims, abort };
  return { bytes: end, ...stepWords, inputs, results, arenas, params, gradSums, states, squares, slots };
}

/** What a region takes, so that the next one starts at a cache line; an empty one takes a line too. */
export function alignedBytes(length: number): number {
  return Math.max(1, Math.ceil(length / ALIGNMENT_BYTES)) * ALIGNMENT_BYTES;
}

function takeArena(
  trained: readonly PlanParameter[],
  plan: Plan,
  take: (length: number) => Region,
  placed: {
    readonly params: Map<string, Region>;
    readonly gradSums: Map<string, Region>;
    readonly states: Map<string, readonly Region[]>;
  },
): Arena {
  const { starts, slabElements, slabs, groups } = arenaGeometry(trained);
  const length = slabs * slabElements * 4;
  const states = stateCount(plan.optimizer);
  const arena = {
    params: take(length),
    gradSums: take(length),
    states: Array.from({ length: states }, () => take(length)),
    slabElements,
    slabs,
    groups,
    marker: take(8),
    undo: take((1 + states) * slabElements * 4),
  };
  for (const param of trained) {
    const within = (region: Region): Region => ({
      offset: region.offset + starts.get(param.name)! * 4,
      length: tensorBytes(param),
    });
    placed.params.set(param.name, within(arena.params));
    placed.gradSums.set(param.name, within(arena.gradSums));
    placed.states.set(param.name, arena.states.map(within));
  }
  return arena;
}
