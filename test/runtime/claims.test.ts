/** @file Claims: each offer is run by one device in each step. */
import { expect, it } from "vitest";
import { Claims } from "../../runtime/claims.js";
import type { SharedMemory } from "../../runtime/env/env.js";
import { nodeEnv } from "../../runtime/env/node.js";
import type { Layout } from "../../runtime/layout.js";
import { SHARED_WORD_BYTES } from "../../runtime/shared-word.js";

const OFFERS = 2;
const DEVICES = 3;
/** The words wrap around in the last ones. */
const STEPS = [0, 1, 2, 2 ** 29 - 1, 2 ** 29, 2 ** 31];
const LAYOUT = {
  progress: Array.from({ length: DEVICES }, () => 0),
  claims: { offset: 0, length: OFFERS * SHARED_WORD_BYTES },
} as unknown as Layout;

/** The claims of a run, as two processes see them. */
function withClaims(use: (one: Claims, other: Claims) => void): void {
  const memory: SharedMemory = nodeEnv().memories.create(OFFERS * SHARED_WORD_BYTES);
  try {
    use(new Claims(memory, LAYOUT), new Claims(memory, LAYOUT));
  } finally {
    memory.close();
  }
}

it("gives an offer to the first that claims it, once in every step", () =>
  withClaims((one, other) => {
    for (const step of STEPS) {
      one.rewind(step);
      expect(other.isFree(step, 0)).toBe(true);
      expect(one.take(step, 0, 2)).toBe(true);
      expect(other.take(step, 0, 0)).toBe(false);
      expect(other.isFree(step, 0)).toBe(false);
      expect(other.holder(step, 0)).toBe(2);
      expect(other.isDone(step, 0)).toBe(false);
      one.finish(step, 0);
      expect(other.isDone(step, 0)).toBe(true);
      expect(other.take(step, 0, 0)).toBe(false);
      expect(other.holder(step, 0)).toBeUndefined();
      expect(other.isFree(step, 1)).toBe(true);
      expect(other.isFree(step + 1, 0)).toBe(true);
    }
  }));

it("frees the offers of a step that is run again, also those of a device that was lost", () =>
  withClaims((one, other) => {
    one.take(5, 0, 1);
    one.take(5, 1, 1);
    one.finish(5, 1);
    other.rewind(5);
    for (const offer of [0, 1]) expect(other.take(5, offer, 0)).toBe(true);
  }));
