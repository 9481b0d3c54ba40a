/**
 * @file Random numbers as a function of (seed, name, position): the same on every machine and in every order of use.
 * Source: Philox-4x32-10, Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const KEY_STEP_0 = 0x9e3779b9;
const KEY_STEP_1 = 0xbb67ae85;

/** Four 32-bit words. */
export type Words = readonly [number, number, number, number];

/** The Philox-4x32-10 bijection of one counter under one key. Cost: 10 rounds of two 32×32-bit products. */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [a, b, c, d] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, a);
    const low0 = Math.imul(MULTIPLIER_0, a) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c);
    const low1 = Math.imul(MULTIPLIER_1, c) >>> 0;
    [a, b, c, d] = [(high1 ^ b ^ k0) >>> 0, low1, (high0 ^ d ^ k1) >>> 0, low0];
    k0 = (k0 + KEY_STEP_0) >>> 0;
    k1 = (k1 + KEY_STEP_1) >>> 0;
  }
  return [a, b, c, d];
}

/** Upper half of a 32×32-bit product, from four 16-bit products. */
function multiplyHigh(x: number, y: number): number {
  const [xHigh, xLow, yHigh, yLow] = [x >>> 16, x & 0xffff, y >>> 16, y & 0xffff];
  const middle = xHigh * yLow + ((xLow * yLow) >>> 16);
  const lower = xLow * yHigh + (middle % 0x10000);
  return (xHigh * yHigh + Math.floor(middle / 0x10000) + Math.floor(lower / 0x10000)) >>> 0;
}

/** FNV-1a over the UTF-16 code units of a text. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}

/** Name of the graph input that brings the random words of a microbatch, see `repeatable.ts`. */
export const RANDOM_WORDS = "random.words";

/** Two random words for one microbatch of one step. */
export function randomWords(seed: number, step: number, microbatch: number): readonly [number, number] {
  const [first, second] = philox(
    [step >>> 0, Math.floor(step / 0x100000000), microbatch, 0],
    [seed >>> 0, hashText(RANDOM_WORDS)],
  );
  return [first, second];
}

/** An endless sequence of random numbers. Two streams of different seed or name are independent. */
export class RandomStream {
  readonly #key: readonly [number, number];
  #block = 0;
  #words: Words = [0, 0, 0, 0];
  #used = 4;
  #spareNormal: number | undefined;

  constructor(seed: number, name: string) {
    this.#key = [seed >>> 0, hashText(name)];
  }

  /** A 32-bit unsigned integer. */
  word(): number {
    if (this.#used === 4) {
      this.#words = philox([this.#block >>> 0, Math.floor(this.#block / 0x100000000), 0, 0], this.#key);
      this.#block++;
      this.#used = 0;
    }
    return this.#words[this.#used++]!;
  }

  /** Uniform in the open interval (0, 1), on a grid of 2^-32. */
  uniform(): number {
    return (this.word() + 0.5) / 0x100000000;
  }

  /** Uniform in 0 … limit-1. The bias is below limit / 2^32. */
  below(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /** Standard normal, by Box and Muller's transform (1958). */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

/** A uniformly random order of 0 … count-1, by Fisher and Yates's shuffle. */
export function permutation(count: number, stream: RandomStream): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, position) => position);
  for (let last = count - 1; last > 0; last--) {
    const other = stream.below(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
