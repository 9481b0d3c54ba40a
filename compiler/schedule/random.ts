/** @file Random numbers from a counter: the same seed gives the same numbers on every machine. */

/** Number k of seed s is a hash of (s, k): murmur3's finaliser, twice. No cryptographic strength. */
export class CounterRandom {
  private readonly seed: number;
  private counter = 0;

  constructor(seed: number) {
    this.seed = mix(seed | 0);
  }

  /** In [0, 1). */
  next(): number {
    return mix(this.seed ^ mix(++this.counter)) / 2 ** 32;
  }

  /** Whole, in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }
}

function mix(value: number): number {
  let h = value ^ 0x9e3779b9;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
