/** @file Where the time of a step goes, device by device: every instant of a device belongs to exactly one share. */
import type { Clock } from "./env/env.js";

/** What the time of a device in a step is spent on, in this order in reports. */
export const SHARE_NAMES = ["compute", "wait", "transfer", "update", "overhead"] as const;

export type ShareName = (typeof SHARE_NAMES)[number];

/**
 * Wall time of one device in one step, ms. Compute: in the engine. Wait: for another device. Transfer: between shared
 * memory and a device that has its own. Update: in the optimizer. Overhead: all else, also the order's way to a worker
 * whose row could begin when it came. In a step that is run again, what came before counts as the way.
 */
export type StepShares = Readonly<Record<ShareName, number>>;

/** A clock whose hand is read at the end of everything a device does, and says what that was. */
export class Laps {
  readonly #clock: Clock;
  readonly #shares: Record<ShareName, number> = { compute: 0, wait: 0, transfer: 0, update: 0, overhead: 0 };
  #lastMs: number;

  /** `sentMs`: when the step was ordered, from which the first lap counts. */
  constructor(clock: Clock, sentMs: number) {
    this.#clock = clock;
    this.#lastMs = sentMs;
  }

  /** The time since the last call was spent on `share`. Returns the time of the clock. */
  end(share: ShareName): number {
    const nowMs = this.#clock.nowMs();
    this.#shares[share] += nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    return nowMs;
  }

  get shares(): StepShares {
    return { ...this.#shares };
  }
}

/** The sum of all shares, ms. */
export function sumOfShares(shares: StepShares): number {
  return SHARE_NAMES.reduce((sum, name) => sum + shares[name], 0);
}

/** Mean over the devices. Requires: at least one. */
export function meanShares(devices: readonly StepShares[]): StepShares {
  const mean = (name: ShareName): number => devices.reduce((sum, shares) => sum + shares[name], 0) / devices.length;
  return Object.fromEntries(SHARE_NAMES.map((name) => [name, mean(name)])) as Record<ShareName, number>;
}
