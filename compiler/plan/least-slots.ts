/**
 * @file The fewest slots that a value can have, whatever the times: rows and dependencies alone force how many
 * microbatches of it exist at once. What slots.ts assigns is never less.
 */
import type { Phase, Schedule } from "../schedule/action.js";
import { splitStages } from "../schedule/action.js";
import { ActionIndex, flatten } from "../schedule/flat.js";
import { Precedence } from "../schedule/precedence.js";
import type { ProgramKind } from "./plan.js";
import { PHASE_OF } from "./runs.js";

/** Who reads a value of a stage. */
export interface ValueReaders {
  /** Programs of the stage itself. */
  readonly own: readonly ProgramKind[];
  /** Halves of a pass, on some earlier stage. */
  readonly before: readonly PassHalf[];
  /** The same on some later stage. */
  readonly after: readonly PassHalf[];
}

/** A forward pass, or the part of a backward pass that runs first. */
export type PassHalf = "forward" | "backward";

/** Requires: a checked schedule of one copy of the model. Cost: a closure over all actions, then microbatches² per kind of value. */
export class LeastSlots {
  readonly #schedule: Schedule;
  readonly #index: ActionIndex;
  readonly #precedence: Precedence;
  readonly #isSplit: readonly boolean[];
  readonly #known = new Map<string, number>();

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#index = new ActionIndex(schedule);
    this.#precedence = new Precedence(flatten(schedule));
    this.#isSplit = splitStages(schedule);
  }

  /** Slots of a value that program `maker` of a stage makes. */
  of(stage: number, maker: ProgramKind, { own, before, after }: ValueReaders): number {
    const key = `${stage} ${maker} ${[...own].sort().join()} ${[...before].sort().join()} ${[...after].sort().join()}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      const least = (halves: readonly PassHalf[], from: number, to: number): number => {
        let fewest = Infinity;
        for (let other = from; other < to; other++)
          fewest = Math.min(
            fewest,
            this.#slots(
              stage,
              maker,
              own,
              halves.map((half) => [other, this.#phase(other, half)]),
            ),
          );
        return fewest;
      };
      known = Math.max(
        own.length > 0 ? this.#slots(stage, maker, own, []) : 1,
        before.length > 0 ? least(before, 0, stage) : 1,
        after.length > 0 ? least(after, stage + 1, this.#schedule.stages) : 1,
      );
      this.#known.set(key, known);
    }
    return known;
  }

  #phase(stage: number, half: PassHalf): Phase {
    return half === "forward" ? "F" : this.#isSplit[stage] ? "I" : "B";
  }

  #slots(
    stage: number,
    maker: ProgramKind,
    own: readonly ProgramKind[],
    others: readonly (readonly [stage: number, phase: Phase])[],
  ): number {
    const { microbatches, placement } = this.#schedule;
    const each = Array.from({ length: microbatches }, (_, microbatch) => microbatch);
    const phases = [...own.map((kind) => [stage, phaseOf(kind)] as const), ...others];
    const made = each.map((microbatch) => this.#index.get({ stage, phase: phaseOf(maker), microbatch }));
    const read = each.map((microbatch) =>
      phases.map(([at, phase]) => this.#index.get({ stage: at, phase, microbatch })),
    );
    const overlaps = made.map(
      (now) =>
        each.filter((m) => made[m]! <= now && read[m]!.some((reader) => this.#precedence.reaches(now, reader))).length,
    );
    const isShared = others.some(([other]) => placement[other] !== placement[stage]);
    return Math.min(microbatches, Math.max(1, ...overlaps) + (isShared ? 1 : 0));
  }
}

function phaseOf(kind: ProgramKind): Phase {
  return PHASE_OF[kind as Exclude<ProgramKind, "add">];
}
