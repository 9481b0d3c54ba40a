import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../runtime/env/env.js";
import { Laps, meanShares, SHARE_NAMES, sumOfShares } from "../../runtime/step-shares.js";

/** A clock that is `steps` further at each look. */
function scripted(startMs: number, steps: readonly number[]): Clock {
  let [at, nowMs] = [0, startMs];
  return { nowMs: () => (nowMs += steps[at++]!), sleep: () => Promise.resolve() };
}

describe("the shares of a step", () => {
  it("give every instant to exactly one share", () => {
    const laps = fc.array(fc.tuple(fc.nat(1000), fc.constantFrom(...SHARE_NAMES)), { maxLength: 40 });
    fc.assert(
      fc.property(laps, (script) => {
        const steps = script.map(([ms]) => ms);
        const hand = new Laps(scripted(500, steps), 500);
        const ends = script.map(([, name]) => hand.end(name));
        expect(sumOfShares(hand.shares)).toBe((ends.at(-1) ?? 500) - 500);
        for (const name of SHARE_NAMES) {
          const own = script.reduce((sum, [ms, share]) => sum + (share === name ? ms : 0), 0);
          expect(hand.shares[name]).toBe(own);
        }
      }),
    );
  });

  it("are averaged over the devices name by name", () => {
    const first = { compute: 8, wait: 1, transfer: 0, update: 1, overhead: 0 };
    const second = { compute: 4, wait: 3, transfer: 2, update: 1, overhead: 1 };
    expect(meanShares([first, second])).toEqual({ compute: 6, wait: 2, transfer: 1, update: 1, overhead: 0.5 });
  });
});
