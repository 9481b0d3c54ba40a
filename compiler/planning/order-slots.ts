/**
 * @file The slots that values have when the actions of a schedule come in a certain order and what other stages read is
 * read by the next ones. An estimate for stages whose readers are not known: plans of cuts that are alike run in orders
 * that are.
 */
import type { PassHalf, ValueReaders } from "../plan/least-slots.js";
import type { ProgramKind } from "../plan/plan.js";
import { actionKey, PHASE_OF } from "../plan/runs.js";
import { peakOverlap } from "../plan/slots.js";
import type { Action, Phase, Schedule } from "../schedule/action.js";
import { splitStages } from "../schedule/action.js";

/** Requires: a checked schedule of one copy of the model, with all its actions in an order that keeps every dependency. */
export class OrderSlots {
  readonly #schedule: Schedule;
  readonly #position: ReadonlyMap<number, number>;
  readonly #isSplit: readonly boolean[];
  readonly #known = new Map<string, number>();

  constructor(schedule: Schedule, order: readonly Action[]) {
    const { microbatches } = schedule;
    this.#schedule = schedule;
    this.#position = new Map(order.map((action, index) => [actionKey(action, microbatches), index]));
    this.#isSplit = splitStages(schedule);
  }

  /** Slots of a value that program `maker` of a stage makes, as slots.ts assigns them. */
  of(stage: number, maker: ProgramKind, { own, before, after }: ValueReaders): number {
    const key = `${stage} ${maker} ${[...own].sort().join()} ${[...before].sort().join()} ${[...after].sort().join()}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      const others = [...this.#at(stage - 1, before), ...this.#at(stage + 1, after)];
      const readers = [...own.map((kind) => [stage, phaseOf(kind)] as const), ...others];
      const { microbatches, placement } = this.#schedule;
      const lifetimes = Array.from({ length: microbatches }, (_, microbatch) => ({
        made: this.#of(stage, phaseOf(maker), microbatch),
        lastRead: Math.max(...readers.map(([reader, phase]) => this.#of(reader, phase, microbatch))),
      })).sort((a, b) => a.made - b.made);
      const isShared = others.some(([other]) => placement[other] !== placement[stage]);
      known = Math.min(microbatches, peakOverlap(lifetimes) + (isShared ? 1 : 0));
      this.#known.set(key, known);
    }
    return known;
  }

  #at(stage: number, halves: readonly PassHalf[]): readonly (readonly [stage: number, phase: Phase])[] {
    return halves.map((half) => [stage, half === "forward" ? "F" : this.#isSplit[stage] ? "I" : "B"]);
  }

  #of(stage: number, phase: Phase, microbatch: number): number {
    return this.#position.get(actionKey({ stage, phase, microbatch }, this.#schedule.microbatches))!;
  }
}

function phaseOf(kind: ProgramKind): Phase {
  return PHASE_OF[kind as Exclude<ProgramKind, "add">];
}
