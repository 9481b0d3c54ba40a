/**
 * @file The memory that ONNX Runtime's arena takes from the system for a sequence of requests: BFCArena in
 * onnxruntime/core/framework/bfc_arena.cc, growing by what is asked for (kSameAsRequested) and giving nothing back.
 */
import { FreePieces } from "./free-pieces.js";

/** Sizes are multiples of this. */
const UNIT_BYTES = 256;
/** A free piece this much larger than what is asked for is split, however large that is (max_dead_bytes_per_chunk). */
const WASTE_BYTES = 128 * 2 ** 20;

/** What a request for `bytes` bytes takes at least. */
export function roundedBytes(bytes: number): number {
  return Math.ceil(bytes / UNIT_BYTES) * UNIT_BYTES;
}

/** Part of a region. Neighbours are of the same region. */
interface Piece {
  /** Of pieces of one size, the one at the lowest address is taken. */
  readonly address: number;
  bytes: number;
  isFree: boolean;
  before: Piece | undefined;
  after: Piece | undefined;
}

/** Where the system places a new region: above all others, or below them. It is free to do either. */
export type Growth = "up" | "down";

/** What a request got; to be given back. */
export type Taken = Piece | undefined;

/** Best fit, with free neighbours joined. Cost: that of a place among the free pieces for each request. */
export class EngineArena {
  #totalBytes = 0;
  #lowest = 0;
  #highest = 0;
  readonly #free = new FreePieces<Piece>();
  readonly #growth: Growth;

  constructor(growth: Growth) {
    this.#growth = growth;
  }

  /** Bytes taken from the system so far. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Memory for `bytes` bytes: the smallest free piece that has them, else a new region. */
  take(bytes: number): Taken {
    if (bytes === 0) return undefined;
    const wanted = roundedBytes(bytes);
    const best = this.#free.takeFitting(wanted) ?? this.#grow(wanted);
    best.isFree = false;
    if (best.bytes >= 2 * wanted || best.bytes - wanted >= WASTE_BYTES) this.#split(best, wanted);
    return best;
  }

  /** Takes memory back. */
  give(piece: Taken): void {
    if (!piece) return;
    let whole = piece;
    if (whole.after?.isFree) this.#join(whole, this.#withdraw(whole.after));
    if (whole.before?.isFree) {
      const before = this.#withdraw(whole.before);
      this.#join(before, whole);
      whole = before;
    }
    this.#offer(whole);
  }

  #offer(piece: Piece): void {
    piece.isFree = true;
    this.#free.add(piece);
  }

  #withdraw(piece: Piece): Piece {
    this.#free.remove(piece);
    return piece;
  }

  #grow(bytes: number): Piece {
    this.#totalBytes += bytes;
    const address = this.#growth === "up" ? this.#highest : this.#lowest - bytes;
    this.#lowest = Math.min(this.#lowest, address);
    this.#highest = Math.max(this.#highest, address + bytes);
    return { address, bytes, isFree: false, before: undefined, after: undefined };
  }

  #split(piece: Piece, bytes: number): void {
    const address = piece.address + bytes;
    const rest: Piece = { address, bytes: piece.bytes - bytes, isFree: false, before: piece, after: piece.after };
    if (rest.after) rest.after.before = rest;
    piece.bytes = bytes;
    piece.after = rest;
    this.#offer(rest);
  }

  #join(piece: Piece, next: Piece): void {
    piece.bytes += next.bytes;
    piece.after = next.after;
    if (next.after) next.after.before = piece;
  }
}
