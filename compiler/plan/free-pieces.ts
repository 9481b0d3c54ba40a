/** @file Free memory of an arena in the order in which it is taken: by size, pieces of one size by address. */

/** What the order depends on; neither may change while a piece is in the list. */
interface Placed {
  readonly address: number;
  readonly bytes: number;
}

/** Pieces in a block at most: moving so many costs less than finding the block. */
const BLOCK = 256;

/** A sorted list in blocks. Cost: a binary search and the length of a block for each change, however long the list is. */
export class FreePieces<P extends Placed> {
  /** None is empty. */
  readonly #blocks: P[][] = [];

  add(piece: P): void {
    const at = Math.min(this.#blockOf(piece), this.#blocks.length - 1);
    const block = this.#blocks[at];
    if (!block) {
      this.#blocks.push([piece]);
      return;
    }
    block.splice(placeIn(block, piece), 0, piece);
    if (block.length > BLOCK) this.#blocks.splice(at + 1, 0, block.splice(BLOCK / 2));
  }

  /** Requires: the piece is in the list. */
  remove(piece: P): void {
    this.#removeAt(piece);
  }

  /** Takes out the smallest piece of at least `bytes` bytes; undefined when there is none. */
  takeFitting(bytes: number): P | undefined {
    return this.#removeAt({ bytes, address: -Infinity });
  }

  /** Takes out the first piece that is not before a place. */
  #removeAt(place: Placed): P | undefined {
    const at = this.#blockOf(place);
    const block = this.#blocks[at];
    if (!block) return undefined;
    const [piece] = block.splice(placeIn(block, place), 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
    return piece;
  }

  /** The first block whose last piece is not before a place; their number when all are. */
  #blockOf(place: Placed): number {
    return firstNot(this.#blocks.length, (at) => isBefore(this.#blocks[at]!.at(-1)!, place));
  }
}

function placeIn(block: readonly Placed[], place: Placed): number {
  return firstNot(block.length, (at) => isBefore(block[at]!, place));
}

/** The first of `count` numbers for which a test that holds up to there no longer holds. */
function firstNot(count: number, holds: (at: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(a: Placed, b: Placed): boolean {
  return a.bytes < b.bytes || (a.bytes === b.bytes && a.address < b.address);
}
