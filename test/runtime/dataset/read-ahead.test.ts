import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReadAhead } from "../../../runtime/dataset/read-ahead.js";

describe("ReadAhead", () => {
  it("gives all items in order, reads one at a time and never more than `depth` ahead", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(5),
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.scheduler(),
        async (from, length, depth, scheduler) => {
          let [reading, read, taken] = [0, 0, 0];
          const source = async (position: number): Promise<number> => {
            expect(++reading).toBe(1);
            await scheduler.schedule(Promise.resolve());
            reading--;
            read++;
            expect(read - taken).toBeLessThanOrEqual(depth + 1);
            return position;
          };
          const queue = new ReadAhead(source, from, from + length, depth);
          const got: number[] = [];
          for (let count = 0; count < length; count++) {
            got.push(await scheduler.waitFor(queue.take()));
            taken++;
          }
          expect(got).toEqual(Array.from({ length }, (_, at) => from + at));
        },
      ),
      { seed: 5, numRuns: 100 },
    );
  });

  it("throws what a reader threw when its item is taken, not before", async () => {
    const source = (position: number): Promise<number> =>
      position === 1 ? Promise.reject(new Error("torn tape")) : Promise.resolve(position);
    const queue = new ReadAhead(source, 0, 3, 2);
    expect(await queue.take()).toBe(0);
    await expect(queue.take()).rejects.toThrow("torn tape");
  });

  it("has the next items ready when a step takes longer than a reader", async () => {
    const finish: (() => void)[] = [];
    const queue = new ReadAhead(
      (position) => new Promise<number>((resolve) => finish.push(() => resolve(position))),
      0,
      8,
      2,
    );
    const tick = (): Promise<string> => new Promise((resolve) => setImmediate(() => resolve("late")));
    for (let reads = 0; reads < 2; reads++) {
      finish.shift()!();
      await tick();
    }
    expect(await Promise.race([queue.take(), tick()])).toBe(0);
    expect(await Promise.race([queue.take(), tick()])).toBe(1);
    expect(await Promise.race([queue.take(), tick()])).toBe("late");
  });
});
