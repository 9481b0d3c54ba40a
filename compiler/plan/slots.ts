/**
 * @file Rings of slots: how many copies of a program's results exist at once, and which one each microbatch uses.
 * A register allocation over the linear order of all actions; since every reuse follows that order, the waits it needs
 * can close no cycle. For intervals the least number of registers is the largest overlap (Gupta, Lee & Leung 1979).
 */
import { invariant } from "../errors.js";
import type { Value } from "../ir/graph.js";
import type { Action } from "../schedule/action.js";
import type { ProgramKey } from "./placed.js";
import { formatProgramKey } from "./placed.js";
import type { SlotGroup } from "./plan.js";
import type { Crossing } from "./ports.js";
import type { Runs } from "./runs.js";
import { actionKey, actionOf } from "./runs.js";

/** A slot group before its files exist, with who reads it. */
export interface SlotRing extends SlotGroup {
  /** Programs that read its values. */
  readonly readers: readonly ProgramKey[];
  /** By microbatch: the microbatch that had the slot before, if any. */
  readonly previous: readonly (number | undefined)[];
}

/**
 * One ring for each set of readers of each program that hands values on, so that all values of a ring live equally long.
 *
 * Requires: `order` holds every action of the schedule once, makers before readers; `runs` tells which of them runs a
 * program (default: the one of its stage and phase).
 * Ensures: no microbatch gets a slot that an earlier one still needs, in that order; a ring that another device reads
 * has one slot to spare (up to the number of microbatches), so that a late reader does not stop the maker.
 * Cost: per ring, microbatches times readers and slots, and a sort.
 */
export function assignSlots(
  crossings: readonly Crossing[],
  order: readonly Action[],
  placement: readonly number[],
  microbatches: number,
  runs: Runs = actionOf,
): readonly SlotRing[] {
  const position = new Map(order.map((action, index) => [actionKey(action, microbatches), index]));
  const at = (program: ProgramKey, microbatch: number): number => {
    const action = runs(program, microbatch);
    const found = action && position.get(actionKey(action, microbatches));
    invariant(
      found !== undefined,
      `the schedule has no action for ${program.stage}.${program.kind} of microbatch ${microbatch}`,
    );
    return found;
  };
  return groupByReaders(crossings).map(({ maker, readers, values: members }) => {
    const shared = readers.some((reader) => placement[reader.stage] !== placement[maker.stage]);
    const made = Array.from({ length: microbatches }, (_, microbatch) => microbatch).filter((m) => runs(maker, m));
    const lifetimes = made
      .map((microbatch) => ({
        microbatch,
        made: at(maker, microbatch),
        lastRead: Math.max(...readers.map((reader) => at(reader, microbatch))),
      }))
      .sort((a, b) => a.made - b.made);
    const needed = peakOverlap(lifetimes);
    const slots = Math.min(microbatches, needed + (shared ? 1 : 0));
    const slotOf = new Array<number>(microbatches).fill(0);
    const previous = new Array<number | undefined>(microbatches).fill(undefined);
    const occupant: (typeof lifetimes)[number][] = [];
    for (const lifetime of lifetimes) {
      const slot = leastRecentlyFreed(occupant, slots, lifetime.made);
      slotOf[lifetime.microbatch] = slot;
      previous[lifetime.microbatch] = occupant[slot]?.microbatch;
      occupant[slot] = lifetime;
    }
    const values = members.map(({ name, type: { dtype, shape } }) => ({ name, dtype, shape, shared }));
    return { stage: maker.stage, program: maker.kind, slots, slotOf, values, readers, previous };
  });
}

/** Positions at which a value is made and read last. */
interface Lifetime {
  readonly made: number;
  readonly lastRead: number;
}

/** Most lifetimes that hold at one time. Requires: sorted by `made`. */
export function peakOverlap(lifetimes: readonly Lifetime[]): number {
  const ends = lifetimes.map(({ lastRead }) => lastRead).sort((a, b) => a - b);
  let ended = 0;
  let peak = 0;
  for (const [index, { made }] of lifetimes.entries()) {
    while (ends[ended]! < made) ended++;
    peak = Math.max(peak, index + 1 - ended);
  }
  return peak;
}

function leastRecentlyFreed(occupant: readonly Lifetime[], slots: number, now: number): number {
  if (occupant.length < slots) return occupant.length;
  const free = [...occupant.keys()].filter((slot) => occupant[slot]!.lastRead < now);
  invariant(free.length > 0, "a ring has fewer slots than lifetimes that overlap");
  return free.reduce((best, slot) => (occupant[slot]!.lastRead < occupant[best]!.lastRead ? slot : best));
}

/** Values that the same programs read after the same program made them. */
interface Group {
  readonly maker: ProgramKey;
  readonly readers: readonly ProgramKey[];
  readonly values: Value[];
}

function groupByReaders(crossings: readonly Crossing[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const { value, maker, readers } of crossings) {
    const key = [formatProgramKey(maker), ...readers.map(formatProgramKey).sort()].join(" ");
    const group = groups.get(key);
    if (group) group.values.push(value);
    else groups.set(key, { maker, readers, values: [value] });
  }
  return [...groups.values()];
}
