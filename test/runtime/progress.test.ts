import { describe, expect, it } from "vitest";
import type { SharedMemory } from "../../runtime/env/env.js";
import { SHARED_WORD_BYTES } from "../../runtime/shared-word.js";
import type { Layout } from "../../runtime/layout.js";
import { Progress, StepAborted } from "../../runtime/progress.js";

const LINE = 64;
/** A row of one action, on either of two devices. */
const ROWS = [1, 1];
const OTHER = { device: 1, count: 1 };

/** Memory of two devices in one thread; `onSleep` is what happens while the caller sleeps. */
function sleepingMemory(onSleep: (timeoutMs: number, sleeps: number) => void) {
  const bytes = new ArrayBuffer(4 * LINE);
  const slept: number[] = [];
  let wakes = 0;
  const memory = {
    words: (offset: number, count: number) => new Int32Array(bytes, offset, count),
    wait: (_offset: number, _seen: number, timeoutMs: number) => {
      slept.push(timeoutMs);
      onSleep(timeoutMs, slept.length);
      return true;
    },
    wake: () => {
      wakes++;
    },
  } as unknown as SharedMemory;
  const layout = { progress: [0, LINE], claims: { offset: 0, length: 0 }, abort: 2 * LINE } as unknown as Layout;
  return { memory, layout, slept, wakes: () => wakes };
}

describe("Progress", () => {
  it("wakes nobody whose wait is short", () => {
    const { memory, layout, slept, wakes } = sleepingMemory((_, sleeps) => {
      if (sleeps === 500) progress.advance(1);
    });
    const progress = new Progress(memory, layout, ROWS);
    progress.await(0, OTHER);
    expect(slept.length).toBe(500);
    expect(wakes()).toBe(0);
  });

  it("wakes who has waited long and asked for it", () => {
    const { memory, layout, slept, wakes } = sleepingMemory((timeoutMs) => {
      if (timeoutMs > 1) progress.advance(1);
    });
    const progress = new Progress(memory, layout, ROWS);
    progress.await(0, OTHER);
    expect(slept.length).toBeGreaterThan(500);
    expect(wakes()).toBe(1);
  });

  it.each([1, 5_000])("ends a wait when the step is stopped at sleep %i", (at) => {
    const { memory, layout } = sleepingMemory((_, sleeps) => {
      if (sleeps === at) progress.abort();
    });
    const progress = new Progress(memory, layout, ROWS);
    expect(() => progress.await(0, OTHER)).toThrow(StepAborted);
  });

  it("does not sleep where the awaited action is done", () => {
    const { memory, layout, slept } = sleepingMemory(() => undefined);
    const progress = new Progress(memory, layout, ROWS);
    progress.advance(1);
    progress.await(0, OTHER);
    expect(slept).toEqual([]);
    expect(progress.doneIn(0, 1)).toBe(1);
  });

  it("lets a device do something else while it waits, and look at once when it did", () => {
    const { memory, layout, slept } = sleepingMemory(() => undefined);
    const progress = new Progress(memory, layout, ROWS);
    let left = 3;
    progress.await(0, OTHER, () => {
      if (--left === 0) progress.advance(1);
      return true;
    });
    expect(left).toBe(0);
    expect(slept).toEqual([]);
  });

  it("waits for an offer until it is done, or the step is stopped", () => {
    const { memory, layout } = sleepingMemory((_, sleeps) => {
      if (sleeps === 3) progress.claims.finish(0, 0);
      if (sleeps === 6) progress.abort();
    });
    const progress = new Progress(memory, { ...layout, claims: { offset: 3 * LINE, length: SHARED_WORD_BYTES } }, ROWS);
    progress.claims.take(0, 0, 1);
    progress.awaitOffer(0, 0);
    expect(progress.claims.isDone(0, 0)).toBe(true);
    progress.claims.take(1, 0, 1);
    expect(() => progress.awaitOffer(1, 0)).toThrow(StepAborted);
  });

  it("counts on when its words wrap around", () => {
    const { memory, layout } = sleepingMemory(() => undefined);
    const progress = new Progress(memory, layout, [3, 3]);
    for (const step of [2 ** 30 - 1, 2 ** 30, 2 ** 31]) {
      progress.rewind(step);
      expect(progress.isReached(step, OTHER)).toBe(false);
      for (let count = 0; count < 3; count++) progress.advance(1);
      expect(progress.doneIn(step, 1)).toBe(3);
      expect(progress.doneIn(step + 1, 1)).toBe(0);
    }
  });
});
