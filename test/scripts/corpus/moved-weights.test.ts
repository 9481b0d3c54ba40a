/** @file Moving weights by one unit in the last place. */
import { describe, expect, it } from "vitest";
import { movedByOneUlp } from "../../../scripts/corpus/moved-weights.js";

describe("weights moved by one ulp", () => {
  const start = Float32Array.of(1, -1, 3.5e-20, 0, -0, 3.4028234e38);
  const moved = (seed: number) => new Float32Array(movedByOneUlp(new Uint8Array(start.buffer), seed, "w").buffer);

  it("differ in the last bit only, and zeros and the largest number stay", () => {
    const bits = new Int32Array(start.buffer);
    const others = new Int32Array(moved(1).buffer);
    expect([...bits].map((word, at) => Math.abs(word - others[at]!))).toEqual([1, 1, 1, 0, 0, 0]);
  });

  it("depend on the seed and leave the original alone", () => {
    const copies = Array.from({ length: 8 }, (_, seed) => moved(seed).join());
    expect(new Set(copies).size).toBeGreaterThan(1);
    expect(moved(3)).toEqual(moved(3));
    expect(start[0]).toBe(1);
  });
});
