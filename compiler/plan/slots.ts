/**
 * @file Rings of slots: how many copies of a program's results exist at once, and which one each microbatch uses.
 * A register allocation over the linear order of all actions; since every reuse follows that order, the waits it needs
 * can close no cycle.
 */
import { invariant } from "../errors.js";
import type { Action, Phase } from "../schedule/action.js";
import type { ProgramKey } from "./placed.js";
import type { ProgramKind, SlotGroup } from "./plan.js";
import type { Crossing } from "./ports.js";

/** A slot group before its files exist, with who reads it. */
export interface SlotRing extends SlotGroup {
  /** Programs that read any of its values. */
  readonly readers: readonly ProgramKey[];
  /** By microbatch: the microbatch that had the slot before, if any. */
  readonly previous: readonly (number | undefined)[];
}

const PHASE_OF: Readonly<Record<ProgramKind, Phase>> = {
  forward: "F",
  backward: "B",
  "input-grad": "I",
  "weight-grad": "W",
};

/** The action that runs a program for a microbatch. */
export function actionOf({ stage, kind }: ProgramKey, microbatch: number): Action {
  return { stage, phase: PHASE_OF[kind], microbatch };
}

/** A number for each action of a schedule, unique and dense enough for maps. */
export function actionKey({ stage, phase, microbatch }: Action, microbatches: number): number {
  return (stage * microbatches + microbatch) * 4 + "FBIW".indexOf(phase);
}

/**
 * One ring for each program that hands values on.
 *
 * Requires: `order` holds every action of the schedule once, makers before readers.
 * Ensures: no microbatch gets a slot that an earlier one still needs, in that order; a ring that another device reads
 * has one slot to spare (up to the number of microbatches), so that a late reader does not stop the maker.
 * Cost: linear in actions times readers.
 */
export function assignSlots(
  crossings: readonly Crossing[],
  order: readonly Action[],
  placement: readonly number[],
  microbatches: number,
): readonly SlotRing[] {
  const position = new Map(order.map((action, index) => [actionKey(action, microbatches), index]));
  const at = (program: ProgramKey, microbatch: number): number => {
    const found = position.get(actionKey(actionOf(program, microbatch), microbatches));
    invariant(
      found !== undefined,
      `the schedule has no action for ${program.stage}.${program.kind} of microbatch ${microbatch}`,
    );
    return found;
  };
  return groupByMaker(crossings).map(({ maker, members }) => {
    const readers = uniqueKeys(members.flatMap((crossing) => crossing.readers));
    const device = placement[maker.stage]!;
    const isForeign = (key: ProgramKey): boolean => placement[key.stage] !== device;
    const lifetimes = Array.from({ length: microbatches }, (_, microbatch) => ({
      microbatch,
      made: at(maker, microbatch),
      lastRead: Math.max(...readers.map((reader) => at(reader, microbatch))),
    })).sort((a, b) => a.made - b.made);
    const needed = peakOverlap(lifetimes);
    const slots = Math.min(microbatches, needed + (readers.some(isForeign) ? 1 : 0));
    const slotOf = new Array<number>(microbatches).fill(0);
    const previous = new Array<number | undefined>(microbatches).fill(undefined);
    const occupant: (typeof lifetimes)[number][] = [];
    for (const lifetime of lifetimes) {
      const slot = leastRecentlyFreed(occupant, slots, lifetime.made);
      slotOf[lifetime.microbatch] = slot;
      previous[lifetime.microbatch] = occupant[slot]?.microbatch;
      occupant[slot] = lifetime;
    }
    const values = members.map(({ value, readers: own }) => ({
      name: value.name,
      dtype: value.type.dtype,
      shape: value.type.shape,
      shared: own.some(isForeign),
    }));
    return { stage: maker.stage, program: maker.kind, slots, slotOf, values, readers, previous };
  });
}

interface Lifetime {
  readonly made: number;
  readonly lastRead: number;
}

/** Most lifetimes that hold at one time. Requires: sorted by `made`. */
function peakOverlap(lifetimes: readonly Lifetime[]): number {
  let peak = 0;
  for (const { made } of lifetimes) {
    peak = Math.max(peak, lifetimes.filter((other) => other.made <= made && other.lastRead > made).length);
  }
  return peak;
}

function leastRecentlyFreed(occupant: readonly Lifetime[], slots: number, now: number): number {
  if (occupant.length < slots) return occupant.length;
  const free = [...occupant.keys()].filter((slot) => occupant[slot]!.lastRead < now);
  invariant(free.length > 0, "a ring has fewer slots than lifetimes that overlap");
  return free.reduce((best, slot) => (occupant[slot]!.lastRead < occupant[best]!.lastRead ? slot : best));
}

function groupByMaker(crossings: readonly Crossing[]): readonly { maker: ProgramKey; members: Crossing[] }[] {
  const groups = new Map<string, { maker: ProgramKey; members: Crossing[] }>();
  for (const crossing of crossings) {
    const name = `${crossing.maker.stage}.${crossing.maker.kind}`;
    const group = groups.get(name);
    if (group) group.members.push(crossing);
    else groups.set(name, { maker: crossing.maker, members: [crossing] });
  }
  return [...groups.values()];
}

function uniqueKeys(keys: readonly ProgramKey[]): readonly ProgramKey[] {
  return [...new Map(keys.map((key) => [`${key.stage}.${key.kind}`, key])).values()];
}
