/** @file Sets of blocks that run again: none is better at its price, by brute force over all subsets. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { AgainCurve } from "../../../compiler/planning/again-curve.js";
import type { ForwardValue } from "../../../compiler/planning/kept-values.js";
import { alike, block } from "../partition/problems.js";

const BLOCKS = 7;
/** The first stage holds blocks 0 to 5, the second the last one. */
const STAGE_OF = [0, 0, 0, 0, 0, 0, 1];
const IN_FLIGHT = 3;

const problemOf = (ms: readonly number[]): PartitionProblem => ({
  graph: { blocks: ms.map((own, index) => block(index, 4 * own)), nets: [] },
  model: "direct",
  stages: alike(2, { inFlight: IN_FLIGHT }),
  link: { latencyMs: 0, bytesPerMs: 1 },
});

const values: fc.Arbitrary<readonly ForwardValue[]> = fc
  .array(
    fc.record({
      maker: fc.nat(BLOCKS - 1),
      bytes: fc.integer({ min: 1, max: 9 }),
      readers: fc.subarray(Array.from({ length: BLOCKS }, (_, at) => at)),
      backward: fc.subarray(Array.from({ length: BLOCKS }, (_, at) => at)),
    }),
    { maxLength: 10 },
  )
  .map((list) => list.map((value) => ({ ...value, readers: value.readers.filter((reader) => reader > value.maker) })));

const isHere = (at: number): boolean => STAGE_OF[at] === 0;

/** Bytes that stage 0 keeps per microbatch and would not if all or nothing ran again, by the words of kept-values.ts. */
function kept(list: readonly ForwardValue[], again: ReadonlySet<number>): number {
  return list.reduce((sum, { maker, readers, backward, bytes }) => {
    if (isHere(maker)) {
      if (backward.some((at) => !isHere(at))) return sum;
      const isRead = backward.length > 0 || readers.some((at) => isHere(at) && again.has(at));
      return sum + (isRead && !again.has(maker) ? bytes : 0);
    }
    if (backward.some(isHere)) return sum;
    return sum + (readers.some((at) => isHere(at) && again.has(at)) ? bytes : 0);
  }, 0);
}

const subsets = Array.from(
  { length: 2 ** 6 },
  (_, bits) => new Set(STAGE_OF.flatMap((stage, at) => (stage === 0 && (bits >> at) & 1 ? [at] : []))),
);

it("are the cheapest at their price", () => {
  const all = fc.tuple(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: BLOCKS, maxLength: BLOCKS }), values);
  fc.assert(
    fc.property(all, fc.double({ min: 0.01, max: 10, noNaN: true }), ([ms, list], price) => {
      const found = new AgainCurve(problemOf(ms), STAGE_OF, list).at([0], price);
      expect(found.keptBytes).toBeCloseTo((IN_FLIGHT - 0.5) * kept(list, new Set(found.blocks)), 9);
      // Later blocks count as dearer by up to 2 %.
      const cost = (again: ReadonlySet<number>): number =>
        [...again].reduce((sum, at) => sum + ms[at]! * (1 + (0.02 * at) / 6), 0) +
        price * (IN_FLIGHT - 0.5) * kept(list, again);
      expect(cost(new Set(found.blocks))).toBeCloseTo(Math.min(...subsets.map(cost)), 6);
    }),
  );
});

it("lead from nothing to everything, ever dearer and keeping ever less", () => {
  const all = fc.tuple(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: BLOCKS, maxLength: BLOCKS }), values);
  fc.assert(
    fc.property(all, ([ms, list]) => {
      const sets = new AgainCurve(problemOf(ms), STAGE_OF, list).sets([0]);
      expect(sets[0]!.blocks).toEqual([]);
      const last = sets.at(-1)!;
      const least = Math.min(...subsets.map((again) => kept(list, again)));
      expect(Math.min(...sets.map(({ keptBytes }) => keptBytes))).toBeCloseTo((IN_FLIGHT - 0.5) * least, 9);
      if (sets.length > 1) expect(last.blocks.length).toBeGreaterThan(0);
      sets.slice(1).forEach((set, at) => {
        expect(set.ms).toBeGreaterThan(sets[at]!.ms);
        if (set !== last) expect(set.keptBytes).toBeLessThan(sets[at]!.keptBytes);
      });
    }),
  );
});

it("are a bounded number, spread over all that can be saved", () => {
  const count = 150;
  const ms = Array.from({ length: count }, (_, at) => 1 + ((at * 7) % 11) / 7);
  const list = ms.map((_, maker): ForwardValue => {
    const bytes = 1000 + ((maker * 13) % 17) * 100;
    return { maker, bytes, readers: maker + 1 < count ? [maker + 1] : [], backward: [maker] };
  });
  const { graph, ...rest } = problemOf(ms);
  const blocks = graph.blocks.map((own, at) => ({ ...own, stashBytes: list[at]!.bytes }));
  const sets = new AgainCurve(
    { graph: { ...graph, blocks }, ...rest },
    ms.map(() => 0),
    list,
  ).sets([0]);
  expect(sets.length).toBeGreaterThan(48);
  expect(sets.length).toBeLessThanOrEqual(48 + 48 + 1);
  const steps = sets.slice(1).map(({ keptBytes }, at) => sets[at]!.keptBytes - keptBytes);
  expect(Math.max(...steps)).toBeLessThan(sets[0]!.keptBytes / 20);
});

it("run like blocks of a chain again one after another", () => {
  const chain = Array.from({ length: 6 }, (_, maker): ForwardValue => ({
    maker,
    bytes: 1,
    readers: [maker + 1],
    backward: maker < 5 ? [maker + 1] : [],
  })).map((value) => (value.maker === 5 ? { ...value, readers: [6], backward: [] } : value));
  const sets = new AgainCurve(problemOf([1, 1, 1, 1, 1, 1, 1]), STAGE_OF, chain).sets([0]);
  expect(sets.map(({ blocks }) => blocks.length)).toEqual([0, 1, 2, 3, 4, 5, 6]);
});
