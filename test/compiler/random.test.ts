import { describe, expect, it } from "vitest";
import type { Words } from "../../compiler/random.js";
import { permutation, philox, RandomStream } from "../../compiler/random.js";

describe("philox", () => {
  // Known answers that the authors publish with their Random123 library (kat_vectors, philox4x32 10).
  const answers: readonly [Words, readonly [number, number], Words][] = [
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ];
  it.each(answers)("maps counter %j under key %j as its authors say", (counter, key, words) => {
    expect(philox(counter, key)).toEqual(words);
  });
});

describe("RandomStream", () => {
  it("depends on seed and name only", () => {
    const words = (seed: number, name: string) => {
      const stream = new RandomStream(seed, name);
      return Array.from({ length: 6 }, () => stream.word());
    };
    expect(words(1, "a")).toEqual(words(1, "a"));
    expect(words(1, "a")).not.toEqual(words(2, "a"));
    expect(words(1, "a")).not.toEqual(words(1, "b"));
  });

  it("draws normals of mean 0 and deviation 1", () => {
    const stream = new RandomStream(3, "normals");
    const count = 20_000;
    let sum = 0;
    let squares = 0;
    for (let draw = 0; draw < count; draw++) {
      const x = stream.normal();
      sum += x;
      squares += x * x;
    }
    expect(Math.abs(sum / count)).toBeLessThan(4 / Math.sqrt(count));
    expect(Math.abs(squares / count - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
  });

  it("permutes without loss", () => {
    const order = permutation(1000, new RandomStream(5, "order"));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, position) => position));
    expect(order.filter((value, position) => value === position).length).toBeLessThan(8);
  });
});
