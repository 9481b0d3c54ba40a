/** @file Messages and ends that arrive before anybody listens. */

/** Keeps what is delivered until the first listener comes, then hands everything to all listeners. */
export class Mailbox<T> {
  readonly #listeners: ((item: T) => void)[] = [];
  #waiting: T[] = [];

  deliver(item: T): void {
    if (this.#listeners.length === 0) this.#waiting.push(item);
    for (const listener of this.#listeners) listener(item);
  }

  listen(listener: (item: T) => void): void {
    this.#listeners.push(listener);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const item of waiting) listener(item);
  }
}
