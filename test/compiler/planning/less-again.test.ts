/** @file As little running again as fits: found by what plans hold, on one device and on several that affect each other. */
import { describe, expect, it } from "vitest";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import type { AgainSet } from "../../../compiler/planning/again-curve.js";
import type { Fitter, Fitting } from "../../../compiler/planning/fitter.js";
import { lessAgain } from "../../../compiler/planning/less-again.js";
import { alike, block } from "../partition/problems.js";

const SETS = 33;
const STAGE_OF = [0, 1];

const problem: PartitionProblem = {
  graph: { blocks: [block(0, 1), block(1, 1)], nets: [] },
  model: "direct",
  stages: alike(2).map((stage, device) => ({ ...stage, device })),
  link: { latencyMs: 0, bytesPerMs: 1 },
  recompute: "auto",
};

/** Sets of a device: the k-th runs k blocks again and keeps so much less; its blocks are numbered by device. */
const setsOf = (device: number): readonly AgainSet[] =>
  Array.from({ length: SETS }, (_, k) => ({
    blocks: Array.from({ length: k }, (_block, at) => device * SETS + at),
    ms: k,
    keptBytes: SETS - k,
    msPerByte: k,
  }));

/** A fitter whose plans hold what `held` says of how many blocks run again on each device; the step takes their sum. */
function fake(limits: readonly number[], held: (counts: readonly number[]) => readonly number[]) {
  const linked: (readonly number[])[] = [];
  const count = (again: PartitionProblem["recompute"]): readonly number[] =>
    [0, 1].map((device) => (again as readonly number[]).filter((own) => Math.floor(own / SETS) === device).length);
  const msOf = (counts: readonly number[]): number => 100 + counts[0]! + counts[1]!;
  const fitter = {
    limits,
    keeps: ({ heldBytes }: Fitting) => heldBytes.every((bytes, device) => bytes <= limits[device]!),
    draftMs: ({ recompute }: PartitionProblem) => msOf(count(recompute)),
    againCurve: () => ({ sets: ([stage]: readonly number[]) => setsOf(stage!) }),
    relink: ({ recompute }: PartitionProblem) => {
      const counts = count(recompute);
      linked.push(counts);
      const placed = { draft: { timeline: { makespanMs: msOf(counts) } }, updateMs: 0 };
      return { placed, heldBytes: held(counts), countedBytes: [0, 0] };
    },
  };
  return { fitter: fitter as unknown as Fitter, linked };
}

const never = async (): Promise<boolean> => false;
const counts = (less: Awaited<ReturnType<typeof lessAgain>>): readonly number[] | undefined => less?.prices;

describe("lessAgain", () => {
  it.each([
    [
      [1000, 1000],
      [0, 0],
    ],
    [
      [40, 1000],
      [13, 0],
    ],
    [
      [30, 45],
      [23, 8],
    ],
    [
      [20, 20],
      [32, 32],
    ],
  ])("within %j bytes finds the first sets that fit", async (limits, expected) => {
    // A workspace of 20 bytes, less in one set: then nothing tells the partitioner.
    const { fitter, linked } = fake(limits, (own) => own.map((k) => SETS - k + 20 - (k === SETS - 1 ? 1 : 0)));
    expect(counts(await lessAgain(STAGE_OF, "", { fitter, problem, isTimeUp: never }))).toEqual(expected);
    expect(linked.length).toBeLessThanOrEqual(16);
  });

  it("gives up where not even everything running again fits", async () => {
    const { fitter, linked } = fake([5, 5], (own) => own.map((k) => SETS - k + 20));
    expect(await lessAgain(STAGE_OF, "", { fitter, problem, isTimeUp: never })).toBeUndefined();
    expect(linked).toEqual([[SETS - 1, SETS - 1]]);
  });

  it("links nothing that cannot be faster than a plan that is known", async () => {
    const { fitter, linked } = fake([1000, 1000], () => [0, 0]);
    expect(await lessAgain(STAGE_OF, "", { fitter, problem, isTimeUp: never, belowMs: 100 })).toBeUndefined();
    expect(linked).toEqual([]);
  });

  it("gives back on one device after the other where devices hold more when others run less again", async () => {
    // The second device fits only while the first runs everything again.
    const { fitter } = fake([1000, 40], ([first, second]) => [0, SETS - second! + (first === SETS - 1 ? 0 : 100)]);
    const less = await lessAgain(STAGE_OF, "", { fitter, problem, isTimeUp: never });
    expect(counts(less)![0]).toBe(SETS - 1);
    expect(counts(less)![1]).toBe(0);
  });

  it("ends with what fits when time is up", async () => {
    const { fitter, linked } = fake([40, 40], (own) => own.map((k) => SETS - k + 20));
    const less = await lessAgain(STAGE_OF, "", { fitter, problem, isTimeUp: async () => true });
    expect(counts(less)).toEqual([SETS - 1, SETS - 1]);
    expect(linked).toHaveLength(1);
  });
});
