/** @file What a device that would wait may run of its neighbours' rows instead, and when that makes the step shorter. */
import type { Offer } from "../compiler/plan/offers.js";
import { offersOf } from "../compiler/plan/offers.js";
import type { Plan, Wait } from "../compiler/plan/plan.js";
import { predictedMs } from "../compiler/plan/replay.js";
import type { Progress } from "./progress.js";

/** What is predicted to run between now and an offer in its own row, as a share of the offer: less is not worth it. */
const LEAST_LEAD = 0.5;
/** What is predicted to run before the device itself can go on, as such a share. */
const LEAST_WAIT = 0.25;

/** An offer with its place in `offersOf`, which is the place of its claim, and its predicted time. */
export interface NumberedOffer extends Offer {
  readonly number: number;
  readonly ms: number;
}

/** The offers of a plan as one of its devices sees them. */
export class StandIn {
  /** What the device may run of other rows. */
  readonly foreign: readonly NumberedOffer[];
  /** The same by stage, in the order of the row. */
  readonly #chains: readonly (readonly NumberedOffer[])[];
  readonly #device: number;
  /** By place in its row. */
  readonly #offers: readonly ReadonlyMap<number, NumberedOffer>[];
  /** By row: predicted ms until so many of its actions are done. */
  readonly #paces: readonly (readonly number[])[];

  /** `offers`: all of the plan. */
  constructor(plan: Plan, device: number, offers = offersOf(plan)) {
    this.#device = device;
    this.#paces = plan.rows.map((row) => {
      const pace = [0];
      for (const action of row) pace.push(pace.at(-1)! + predictedMs(plan, action));
      return pace;
    });
    const all = offers.map((offer, number) => ({ ...offer, number, ms: predictedMs(plan, offer.action) }));
    this.foreign = all.filter(({ standIns }) => standIns.includes(device));
    const chains = plan.stages.map(({ index }) => this.foreign.filter(({ action }) => action.stage === index));
    this.#chains = chains.filter(({ length }) => length > 0);
    this.#offers = plan.rows.map(
      (_, row) => new Map(all.filter((offer) => offer.device === row).map((offer) => [offer.position, offer])),
    );
  }

  /** The action at a place of the device's own row as an offer, if others may run it. */
  own(position: number): NumberedOffer | undefined {
    return this.#offers[this.#device]!.get(position);
  }

  /** Predicted ms until a wait ends: of what is to run, half of the action under way. */
  leftMs(progress: Progress, step: number, { device, count }: Wait): number {
    const done = progress.doneIn(step, device);
    if (done >= count) return 0;
    const pace = this.#paces[device]!;
    return pace[count]! - (pace[done]! + pace[done + 1]!) / 2;
  }

  /**
   * Claims what the device should run rather than wait `waitMs`: of what is ready, that which its own device would come
   * to last. Undefined if nothing is worth it.
   */
  claim(progress: Progress, step: number, waitMs: number): NumberedOffer | undefined {
    let best: NumberedOffer | undefined;
    let bestMs = 0;
    for (const offers of this.#chains) {
      const offer = this.#next(offers, progress, step);
      if (!offer || offer.ms * LEAST_WAIT > waitMs) continue;
      const { device, position, ms } = offer;
      const leadMs = this.leftMs(progress, step, { device, count: position });
      if (leadMs < ms * LEAST_LEAD || leadMs <= bestMs || !this.#isReady(progress, step, offer)) continue;
      best = offer;
      bestMs = leadMs;
    }
    return best && progress.claims.take(step, best.number, this.#device) ? best : undefined;
  }

  /** The first offer of a stage that is left. The later ones add to the same sums after it. */
  #next(offers: readonly NumberedOffer[], progress: Progress, step: number): NumberedOffer | undefined {
    const done = progress.doneIn(step, offers[0]!.device);
    let [low, high] = [0, offers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (offers[middle]!.position < done) low = middle + 1;
      else high = middle;
    }
    while (low < offers.length && !progress.claims.isFree(step, offers[low]!.number)) low++;
    return offers[low];
  }

  #isReady(progress: Progress, step: number, { needs }: Offer): boolean {
    return needs.every((need) => {
      if (progress.isReached(step, need)) return true;
      const ahead = this.#offers[need.device]!.get(need.count - 1);
      return ahead !== undefined && progress.claims.isDone(step, ahead.number);
    });
  }
}
