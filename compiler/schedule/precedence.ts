/** @file Which actions of a schedule run before which others whatever the times are. */
import type { FlatSchedule } from "./flat.js";
import { usersOf } from "./flat.js";

/** What rows and dependencies force, as a closure over all actions. O(actions · edges / 32) time, O(actions² / 32) memory. */
export class Precedence {
  readonly #words: number;
  readonly #after: Uint32Array;

  /** Requires: a schedule that can run to its end. */
  constructor(flat: FlatSchedule) {
    const { count } = flat;
    const words = (count + 31) >>> 5;
    const after = new Uint32Array(count * words);
    const next = followers(flat);
    for (const id of backwards(flat, next)) {
      after[id * words + (id >>> 5)]! |= 1 << (id & 31);
      for (const later of next(id)) for (let w = 0; w < words; w++) after[id * words + w]! |= after[later * words + w]!;
    }
    this.#words = words;
    this.#after = after;
  }

  /** Whether action `a` is `b` or always ends before `b` starts; by id. */
  reaches(a: number, b: number): boolean {
    return ((this.#after[a * this.#words + (b >>> 5)]! >>> (b & 31)) & 1) === 1;
  }
}

/** What waits directly for an action: its users, and the next one of its row. */
function followers(flat: FlatSchedule): (id: number) => number[] {
  const { start, users } = usersOf(flat);
  return (id) => {
    const list = Array.from(users.subarray(start[id], start[id + 1]));
    if (id + 1 < flat.count && flat.device[id + 1] === flat.device[id]) list.push(id + 1);
    return list;
  };
}

/** All actions, every one after all that wait for it. */
function backwards({ count }: FlatSchedule, next: (id: number) => readonly number[]): readonly number[] {
  const missing = new Int32Array(count);
  const before: number[][] = Array.from({ length: count }, () => []);
  for (let id = 0; id < count; id++)
    for (const later of next(id)) {
      missing[id]!++;
      before[later]!.push(id);
    }
  const order = Array.from({ length: count }, (_, id) => id).filter((id) => missing[id] === 0);
  for (const id of order) for (const earlier of before[id]!) if (--missing[earlier]! === 0) order.push(earlier);
  return order;
}
