/** @file How a long search is asked to end with the best that it has. Types only. */

export interface Interruption {
  readonly cancelled: () => boolean;
  /** Awaited now and then, before `cancelled` is asked: lets the signal that cancels arrive. */
  readonly pause: () => Promise<void>;
}
