/**
 * @file The lattice of ideals: sets of nodes that contain every predecessor of a member. The first s stages of a
 * partition hold an ideal, so partitions are chains of ideals.
 */
import type { Instance } from "./instance.js";
import type { Interruption } from "./interruption.js";
import type { Rows } from "./rows.js";
import { rowsOf } from "./rows.js";

/** All ideals, smaller ones first; number 0 is the empty set, the last number is the set of all nodes. */
export interface Lattice {
  readonly count: number;
  /** Words of 32 nodes per ideal. */
  readonly words: number;
  readonly bits: Uint32Array;
  readonly work: Float64Array;
  /** Pairs (node, ideal with that node added), row per ideal. */
  readonly covers: Rows;
}

/** True when ideal `i` holds node `v`. */
export function holds({ bits, words }: Lattice, i: number, v: number): boolean {
  return ((bits[i * words + (v >>> 5)]! >>> (v & 31)) & 1) === 1;
}

/** Grows by doubling; the lattice's size is not known beforehand. */
function grown<T extends Uint32Array | Float64Array | Int32Array>(array: T, needed: number): T {
  if (array.length >= needed) return array;
  const larger = new (array.constructor as new (length: number) => T)(Math.max(needed, 2 * array.length));
  larger.set(array);
  return larger;
}

/**
 * All ideals of the instance, the states of the exact programme of Tarnawski et al. 2020, or undefined when there are more than `limit` or `cancelled` says stop.
 * Breadth first by number of nodes; equal sets are found by a 53-bit Zobrist key and compared word by word.
 * O(ideals · width · (size / 32 + predecessors)) time, O(ideals · size / 32) memory.
 */
export async function enumerateIdeals(
  instance: Instance,
  limit: number,
  { cancelled, pause }: Interruption,
): Promise<Lattice | undefined> {
  const { size, before, after, work } = instance;
  const words = Math.max(1, (size + 31) >>> 5);
  const high = new Uint32Array(size);
  const low = new Uint32Array(size);
  let state = 0x2545f491;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let v = 0; v < size; v++) {
    high[v] = random() >>> 11;
    low[v] = random();
  }
  let bits = new Uint32Array(words * 1024);
  let weight = new Float64Array(1024);
  let keyHigh = new Uint32Array(1024);
  let keyLow = new Uint32Array(1024);
  let coverFrom = new Int32Array(4096);
  let coverNode = new Int32Array(4096);
  let coverTo = new Int32Array(4096);
  let covers = 0;
  const found = new Map<number, number>([[0, 0]]);
  const ready: (Int32Array | undefined)[] = [
    Int32Array.from(Array.from({ length: size }, (_, v) => v).filter((v) => before.start[v] === before.start[v + 1])),
  ];
  let count = 1;
  const inside = (at: number, v: number): boolean => ((bits[at + (v >>> 5)]! >>> (v & 31)) & 1) === 1;
  const isWith = (i: number, v: number, j: number): boolean => {
    for (let w = 0; w < words; w++) {
      const extra = w === v >>> 5 ? 1 << (v & 31) : 0;
      if ((bits[i * words + w]! | extra) >>> 0 !== bits[j * words + w]!) return false;
    }
    return true;
  };

  for (let i = 0; i < count; i++) {
    if ((i & 1023) === 0) {
      await pause();
      if (cancelled()) return undefined;
    }
    const options = ready[i]!;
    for (const v of options) {
      const h = (keyHigh[i]! ^ high[v]!) >>> 0;
      const l = (keyLow[i]! ^ low[v]!) >>> 0;
      let key = h * 4294967296 + l;
      let j = found.get(key);
      while (j !== undefined && !isWith(i, v, j)) j = found.get(++key);
      if (j === undefined) {
        if (count >= limit) return undefined;
        j = count++;
        found.set(key, j);
        bits = grown(bits, count * words);
        weight = grown(weight, count);
        keyHigh = grown(keyHigh, count);
        keyLow = grown(keyLow, count);
        bits.copyWithin(j * words, i * words, (i + 1) * words);
        bits[j * words + (v >>> 5)]! |= 1 << (v & 31);
        weight[j] = weight[i]! + work[v]!;
        keyHigh[j] = h;
        keyLow[j] = l;
        const next: number[] = [];
        for (const u of options) if (u !== v) next.push(u);
        for (let q = after.start[v]!; q < after.start[v + 1]!; q++) {
          const u = after.entries[q]!;
          let open = true;
          for (let p = before.start[u]!; open && p < before.start[u + 1]!; p++)
            open = inside(j * words, before.entries[p]!);
          if (open) next.push(u);
        }
        ready.push(Int32Array.from(next));
      }
      coverFrom = grown(coverFrom, covers + 1);
      coverNode = grown(coverNode, covers + 1);
      coverTo = grown(coverTo, covers + 1);
      coverFrom[covers] = i;
      coverNode[covers] = v;
      coverTo[covers++] = j;
    }
    ready[i] = undefined;
  }
  const pairs = new Int32Array(2 * covers);
  const owners = new Int32Array(2 * covers);
  for (let c = 0; c < covers; c++) {
    owners[2 * c] = owners[2 * c + 1] = coverFrom[c]!;
    pairs[2 * c] = coverNode[c]!;
    pairs[2 * c + 1] = coverTo[c]!;
  }
  const rows = rowsOf(count, owners, pairs);
  return { count, words, bits: bits.subarray(0, count * words), work: weight.subarray(0, count), covers: rows };
}

/** Messages, bytes and forward bytes of the nets that each ideal cuts. O(covers · pins of the added node's nets). */
export function idealCuts(
  instance: Instance,
  lattice: Lattice,
): { messages: Float64Array; bytes: Float64Array; forward: Float64Array } {
  const { nets } = instance;
  const messages = new Float64Array(lattice.count);
  const bytes = new Float64Array(lattice.count);
  const forward = new Float64Array(lattice.count);
  const known = new Uint8Array(lattice.count);
  known[0] = 1;
  for (let i = 0; i < lattice.count; i++)
    for (let c = lattice.covers.start[i]!; c < lattice.covers.start[i + 1]!; c += 2) {
      const v = lattice.covers.entries[c]!;
      const j = lattice.covers.entries[c + 1]!;
      if (known[j] === 1) continue;
      known[j] = 1;
      let m = messages[i]!;
      let b = bytes[i]!;
      let f = forward[i]!;
      for (let q = nets.of.start[v]!; q < nets.of.start[v + 1]!; q++) {
        const e = nets.of.entries[q]!;
        let others = 0;
        for (let p = nets.pins.start[e]!; p < nets.pins.start[e + 1]!; p++)
          if (holds(lattice, i, nets.pins.entries[p]!)) others++;
        const pins = nets.pins.start[e + 1]! - nets.pins.start[e]!;
        const change = (others === 0 ? 1 : 0) - (others + 1 === pins ? 1 : 0);
        m += change * nets.messages[e]!;
        b += change * nets.bytes[e]!;
        f += change * nets.forwardBytes[e]!;
      }
      messages[j] = m;
      bytes[j] = b;
      forward[j] = f;
    }
  return { messages, bytes, forward };
}
