/** @file Compressed rows: the one shape in which the partitioner keeps neighbours, pins and covers. */

/** The entries of row i are `entries[start[i]]` up to, not including, `entries[start[i + 1]]`. */
export interface Rows {
  readonly start: Int32Array;
  readonly entries: Int32Array;
}

/** Groups pairs by their first part; the order within a row is the order of the pairs. O(pairs + count). */
export function rowsOf(count: number, keys: ArrayLike<number>, entries: ArrayLike<number>): Rows {
  const start = new Int32Array(count + 1);
  for (let i = 0; i < keys.length; i++) start[keys[i]! + 1]!++;
  for (let i = 0; i < count; i++) start[i + 1]! += start[i]!;
  const next = start.slice(0, count);
  const out = new Int32Array(keys.length);
  for (let i = 0; i < keys.length; i++) out[next[keys[i]!]!++] = entries[i]!;
  return { start, entries: out };
}

/** Lays lists end to end. */
export function rowsFromLists(lists: readonly ArrayLike<number>[]): Rows {
  const start = new Int32Array(lists.length + 1);
  for (let i = 0; i < lists.length; i++) start[i + 1] = start[i]! + lists[i]!.length;
  const entries = new Int32Array(start[lists.length]!);
  lists.forEach((list, i) => entries.set(Array.from(list), start[i]!));
  return { start, entries };
}

/** The rows of the reversed relation: row e lists every i that has e. */
export function transposed({ start, entries }: Rows, count: number): Rows {
  const owner = new Int32Array(entries.length);
  for (let i = 0; i + 1 < start.length; i++) owner.fill(i, start[i]!, start[i + 1]!);
  return rowsOf(count, entries, owner);
}
