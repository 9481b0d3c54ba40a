/** @file The slots of one device while building-block.ts shifts actions about. Times here are counts of slots. */

/** An action and the slot where it starts. Kinds 0 … 3 as in building-block.ts; 4 is W, or 4 and 5 by stage. */
export interface PlacedKind {
  readonly kind: number;
  readonly microbatch: number;
  readonly slot: number;
}

/** Which slot each action of a device takes, and which slots are free. */
export class SlotRow {
  readonly microbatches: number;
  private readonly backwardSlots: number;
  /** Slot of each microbatch, per kind. */
  private readonly at: number[][];
  /** Change of the number kept, at each slot, plus 1; 0 where the slot is free. */
  private used: Int8Array;

  private constructor(microbatches: number, backwardSlots: number, length: number) {
    this.microbatches = microbatches;
    this.backwardSlots = backwardSlots;
    this.at = [[], [], [], []];
    this.used = new Int8Array(length);
  }

  static repeat(block: readonly number[], shift: number, microbatches: number, backwardSlots: number): SlotRow {
    const length = Math.max(...block) + shift * microbatches + backwardSlots;
    const row = new SlotRow(microbatches, backwardSlots, length);
    block.forEach((first, kind) => {
      for (let m = 0; m < microbatches; m++) row.place(kind, m, first + shift * m);
    });
    return row;
  }

  emptied(): SlotRow {
    return new SlotRow(this.microbatches, this.backwardSlots, this.used.length);
  }

  slots(kind: number): number {
    return kind === 2 || kind === 3 ? this.backwardSlots : 1;
  }

  end(kind: number, microbatch: number): number {
    return this.at[kind]![microbatch]! + this.slots(kind);
  }

  /** End of the k-th backward of the row. */
  backwardEnd(k: number): number {
    const ends = [...this.at[2]!, ...this.at[3]!].sort((a, b) => a - b);
    return ends[k]! + this.backwardSlots;
  }

  place(kind: number, microbatch: number, slot: number): void {
    (this.at[kind] ??= [])[microbatch] = slot;
    this.mark(kind, slot);
  }

  inOrder(): PlacedKind[] {
    return this.at
      .flatMap((slots, kind) => slots.map((slot, microbatch) => ({ kind, microbatch, slot })))
      .sort((a, b) => a.slot - b.slot);
  }

  /** Moves an action to a slot if that is free and the row then keeps no more than `peak` activations. */
  tryMove(kind: number, microbatch: number, to: number, peak: number): boolean {
    const from = this.at[kind]![microbatch]!;
    for (let slot = to; slot < to + this.slots(kind); slot++)
      if (this.used[slot] !== FREE && !(slot >= from && slot < from + this.slots(kind))) return false;
    this.unmark(kind, from);
    this.mark(kind, to);
    if (this.peak() <= peak) {
      this.at[kind]![microbatch] = to;
      return true;
    }
    this.unmark(kind, to);
    this.mark(kind, from);
    return false;
  }

  /** Most activations kept. Where Ws are not placed, a free slot after a backward stands for its W. */
  peak(): number {
    const implied = this.backwardSlots === 1 && this.at.length === 4;
    let now = 0;
    let most = 0;
    let waiting = 0;
    for (const use of this.used) {
      if (use === FREE) {
        if (implied && waiting > 0) {
          now--;
          waiting--;
        }
      } else {
        now += CHANGE[use]!;
        if (use === BACKWARD) waiting++;
        if (now > most) most = now;
      }
    }
    return most;
  }

  /**
   * Puts a W into the first free slot after each backward; the rest comes at the end. "by stage": kinds 4 and 5 keep
   * the Ws of the two stages apart, the second stage's first; else all are kind 4, in the order of the backwards.
   */
  placeWeights(apart?: "by stage"): void {
    const placed = this.inOrder();
    const end = placed.at(-1)!.slot + this.slots(placed.at(-1)!.kind);
    const room = new Int8Array(end + 2 * this.microbatches);
    room.set(this.used.subarray(0, Math.min(this.used.length, room.length)));
    this.used = room;
    const waiting = [0, 0];
    const count = [0, 0];
    let next = 0;
    for (let slot = 0; count[0]! + count[1]! < 2 * this.microbatches; slot++) {
      if (placed[next]?.slot === slot) {
        const { kind } = placed[next++]!;
        if (kind >= 2) waiting[apart ? kind - 2 : 0]!++;
        continue;
      }
      const which = waiting[0]! > 0 ? 0 : 1;
      if (waiting[which] === 0) continue;
      waiting[which]!--;
      this.place(4 + which, count[which]!++, slot);
    }
  }

  dropWeights(): void {
    for (const slots of this.at.splice(4)) for (const slot of slots) this.unmark(4, slot);
  }

  private mark(kind: number, slot: number): void {
    const use = kind <= 1 ? FORWARD : kind > 3 || this.backwardSlots === 2 ? RELEASE : BACKWARD;
    for (let s = slot; s < slot + this.slots(kind); s++)
      this.used[s] = this.slots(kind) === 2 && s === slot ? BACKWARD : use;
  }

  private unmark(kind: number, slot: number): void {
    this.used.fill(FREE, slot, slot + this.slots(kind));
  }
}

const FREE = 0;
const FORWARD = 1;
/** I, or the first half of B: keeps what there is. */
const BACKWARD = 2;
/** W, or the second half of B. */
const RELEASE = 3;
const CHANGE = [0, 1, 0, -1];
