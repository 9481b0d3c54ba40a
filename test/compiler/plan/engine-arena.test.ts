/** @file The arena's rules on sequences of requests, and that it holds what is asked of it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EngineArena } from "../../../compiler/plan/engine-arena.js";

describe("a piece arena", () => {
  it("grows by what is asked for, in units of 256 bytes", () => {
    const arena = new EngineArena("up");
    arena.take(1);
    arena.take(257);
    arena.take(0);
    expect(arena.totalBytes).toBe(256 + 512);
  });

  it("splits a piece of twice the size, and joins the parts again", () => {
    const arena = new EngineArena("up");
    arena.give(arena.take(2048));
    const [low, high] = [arena.take(1024), arena.take(1024)];
    expect(arena.totalBytes).toBe(2048);
    arena.give(high);
    arena.give(low);
    arena.give(arena.take(2048));
    expect(arena.totalBytes).toBe(2048);
  });

  it("hands a smaller piece out whole", () => {
    const arena = new EngineArena("up");
    arena.give(arena.take(1792));
    arena.take(1024);
    arena.take(512);
    expect(arena.totalBytes).toBe(1792 + 512);
  });

  it("takes the smallest piece that fits", () => {
    const arena = new EngineArena("up");
    const [large, small] = [arena.take(4096), arena.take(1024)];
    arena.give(large);
    arena.give(small);
    arena.take(1024);
    arena.take(4096);
    expect(arena.totalBytes).toBe(5120);
  });

  it("takes the lower of two pieces of one size, wherever the system places them", () => {
    const total = (growth: "up" | "down"): number => {
      const arena = new EngineArena(growth);
      arena.give(arena.take(2048));
      const [half, other] = [arena.take(1024), arena.take(1024)];
      const next = arena.take(1024);
      arena.give(other);
      arena.give(next);
      // Free are the second half of the first region and the whole second one.
      arena.take(1024);
      arena.give(half);
      arena.take(2048);
      return arena.totalBytes;
    };
    expect(total("up")).toBe(2048 + 1024 + 2048);
    expect(total("down")).toBe(2048 + 1024);
  });

  it("never has less than is in use, and needs no more when all is asked for again in the same order", () => {
    const requests = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(requests, (sizes) => {
        const arena = new EngineArena("up");
        const pieces = sizes.map((bytes) => arena.take(bytes));
        const units = sizes.reduce((sum, bytes) => sum + Math.ceil(bytes / 256) * 256, 0);
        expect(arena.totalBytes).toBe(units);
        for (const piece of pieces) arena.give(piece);
        for (const bytes of sizes.toSorted((a, b) => b - a)) arena.take(bytes);
        expect(arena.totalBytes).toBe(units);
      }),
    );
  });
});
