/**
 * @file The least memory that any cut of a candidate needs, as the floors of stages bound it: a programme over chains of
 * ideals, for each limit that it tries.
 */
import type { LeastSlots } from "../plan/least-slots.js";
import type { Schedule } from "../schedule/action.js";
import { splitStages } from "../schedule/action.js";
import type { FloorColumns, FloorFactors, StageFloors } from "./stage-floor.js";

/** Limits are told apart to this share of them. */
const PRECISION = 2e-3;
/** What sums of shares may be above what they stand for. */
export const ROUNDING = 1e-9;

export interface ChainFloorOptions {
  readonly floors: StageFloors;
  /** Of one copy of the model. */
  readonly schedule: Schedule;
  readonly slots: LeastSlots;
  /** Whether anything may run again. */
  readonly isAgain: boolean;
  /** By device: its part of the limit; Infinity for no limit. */
  readonly shares: readonly number[];
}

/** What the schedule makes of the floors of a stage. */
interface StageFactors extends FloorFactors {
  readonly share: number;
}

export class ChainFloor {
  readonly #floors: StageFloors;
  readonly #devices: number;
  readonly #factors: readonly StageFactors[];

  constructor({ floors, schedule, slots, isAgain, shares }: ChainFloorOptions) {
    this.#floors = floors;
    this.#devices = schedule.devices;
    const isSplit = splitStages(schedule);
    const last = schedule.stages - 1;
    this.#factors = schedule.placement.map((device, stage) => {
      const backward = isSplit[stage]! ? "input-grad" : "backward";
      return {
        share: shares[device]!,
        live: isSplit[stage]! ? (isAgain ? "splitAgain" : "split") : isAgain ? "wholeAgain" : "whole",
        sent: stage < last ? slots.of(stage, "forward", { own: [], before: [], after: ["forward"] }) : 0,
        returned: stage > 0 ? slots.of(stage, backward, { own: [], before: ["backward"], after: [] }) : 0,
        handed: isSplit[stage]! ? slots.of(stage, backward, { own: ["weight-grad"], before: [], after: [] }) : 0,
        stashed: isAgain ? 0 : slots.of(stage, "forward", { own: [backward], before: [], after: [] }),
      };
    });
  }

  /** A limit below which there is no cut, about as large as the floors can tell: at least `least`. Infinity if there is no cut at all. */
  bound(least: number): number {
    if (!this.#isPossible(Infinity)) return Infinity;
    let low = Math.max(1, least);
    let high = low;
    while (!this.#isPossible(high)) [low, high] = [high, high * 2];
    while (high - low > low * PRECISION) {
      const middle = (low + high) / 2;
      if (this.#isPossible(middle)) high = middle;
      else low = middle;
    }
    return low;
  }

  #isPossible(limit: number): boolean {
    return this.rest(limit, 1)[0]![0]! <= this.#devices * (1 + ROUNDING);
  }

  /**
   * By stage and ideal before it: the smallest sum of powers of the shares that this stage and those behind it take of the
   * room under a limit; Infinity where they do not keep it.
   *
   * If a stage keeps k bytes and its programs take w, at least, its device holds the sum of these k and the largest of
   * these w, W, at least. Where that is at most the room X and W < X, each k / (X - w) ≤ k / (X - W), so these shares add up
   * to at most 1 on the device; where W = X, all its k are 0, as shares then are. So where a cut keeps the limit, the shares
   * of its stages are at most 1 each and add up to at most the devices. Powers above 1 only tell even chains from others.
   * Cost: pairs of ideals times stages, as often as floors of stages that end best are raised.
   */
  rest(limit: number, power: number): readonly Float64Array[] {
    const { count } = this.#floors.lattice;
    const stages = this.#factors.length;
    const table = Array.from({ length: stages + 1 }, () => new Float64Array(count).fill(Infinity));
    const reached = this.#reached(limit);
    table[stages]![count - 1] = 0;
    for (let stage = stages - 1; stage >= 0; stage--)
      for (let from = 0; from < count - 1; from++)
        if (reached[stage]![from] === 1)
          table[stage]![from] = this.#step(table[stage + 1]!, stage, from, limit, power).sum;
    return table;
  }

  /** By stage: the ideals where it may begin when those before it keep the limit. */
  #reached(limit: number): readonly Uint8Array[] {
    const { count } = this.#floors.lattice;
    const reached = this.#factors.map(() => new Uint8Array(count));
    reached[0]![0] = 1;
    for (let stage = 0; stage + 1 < reached.length; stage++)
      for (let from = 0; from < count - 1; from++) {
        if (reached[stage]![from] === 0) continue;
        const { to } = this.#floors.row(from);
        const { kept, work } = this.floors(stage, from);
        const room = limit * this.#factors[stage]!.share;
        for (let at = 1; at < to.length - 1; at++)
          if (shareOf(kept[at]!, work[at]!, room) < Infinity) reached[stage + 1]![to[at]!] = 1;
      }
    return reached;
  }

  /** The ideals where stages end that lead to the smallest sum; undefined if none keep the limit. */
  chain(limit: number, power: number): readonly number[] | undefined {
    const table = this.rest(limit, power);
    if (table[0]![0]! === Infinity) return undefined;
    const ends: number[] = [];
    this.#factors.forEach((_, stage) => {
      ends.push(this.#step(table[stage + 1]!, stage, ends.at(-1) ?? 0, limit, power).to);
    });
    return ends;
  }

  /** What stages keep and take at least, by place in the row of the ideal before them. */
  floors(stage: number, from: number): FloorColumns {
    return this.#floors.columns(from, this.#factors[stage]!);
  }

  /** The share of the room under a limit that a stage takes, known well if it is no more than `most`; Infinity if it does not keep the limit. */
  share(stage: number, from: number, at: number, limit: number, most: number): number {
    const { share, live } = this.#factors[stage]!;
    const { kept, work } = this.floors(stage, from);
    const loose = shareOf(kept[at]!, work[at]!, limit * share);
    if (loose > most || !this.#floors.refine(from, at, live)) return loose;
    return shareOf(kept[at]!, work[at]!, limit * share);
  }

  /** Where a stage ends best, with the sum from there on. */
  #step(behind: Float64Array, stage: number, from: number, limit: number, power: number) {
    const { to: ends } = this.#floors.row(from);
    const { kept, work } = this.floors(stage, from);
    const { share: part, live } = this.#factors[stage]!;
    const room = limit * part;
    const last = ends.length - 1;
    const isLast = stage === this.#factors.length - 1;
    for (;;) {
      let [sum, best] = [Infinity, -1];
      for (let at = isLast ? last : 1; at < (isLast ? last + 1 : last); at++) {
        const rest = behind[ends[at]!]!;
        if (rest >= sum) continue;
        const share = shareOf(kept[at]!, work[at]!, room);
        const next = rest + (power === 1 ? share : share ** power);
        if (next < sum) [sum, best] = [next, at];
      }
      if (best < 0) return { sum, to: -1 };
      if (room === Infinity || !this.#floors.refine(from, best, live)) return { sum, to: ends[best]! };
    }
  }
}

function shareOf(kept: number, work: number, room: number): number {
  if (room === Infinity) return 0;
  const left = room - work;
  if (left < 0 || kept > left * (1 + ROUNDING)) return Infinity;
  return kept === 0 ? 0 : kept / left;
}
