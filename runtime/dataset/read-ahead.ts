/** @file Reading ahead: a bounded queue of what the next steps need, so that a slow reader works while steps run. */

/** Gives items in order and keeps up to `depth` of them coming. */
export class ReadAhead<T> {
  readonly #read: (position: number) => Promise<T>;
  readonly #until: number;
  readonly #depth: number;
  readonly #coming: Promise<T>[] = [];
  #next: number;

  /** Items of the positions `from` … `until` - 1. Requires: `depth` is at least 1. */
  constructor(read: (position: number) => Promise<T>, from: number, until: number, depth: number) {
    this.#read = read;
    this.#until = until;
    this.#depth = depth;
    this.#next = from;
    this.#fill();
  }

  /** The next item. @throws what reading it threw. */
  async take(): Promise<T> {
    this.#fill();
    const item = await this.#coming.shift()!;
    this.#fill();
    return item;
  }

  /** Items come one after another: a reader is never asked for two at a time. */
  #fill(): void {
    while (this.#coming.length < this.#depth && this.#next < this.#until) {
      const position = this.#next++;
      const before = this.#coming.at(-1);
      const item = before ? before.then(() => this.#read(position)) : this.#read(position);
      item.catch(() => undefined);
      this.#coming.push(item);
    }
  }
}
