/** @file Which of the plans of several cuts is taken, and what is thrown where there is none: with plans that are made up. */
import { expect, it } from "vitest";
import { PipewrightError } from "../../../compiler/errors.js";
import type { Partition, PartitionProblem } from "../../../compiler/partition/problem.js";
import { fitAgain } from "../../../compiler/planning/fit-again.js";
import type { Fitter, Fitting } from "../../../compiler/planning/fitter.js";
import { alike, block } from "../partition/problems.js";

const problem: PartitionProblem = {
  graph: { blocks: [block(0, 1), block(1, 1)], nets: [] },
  model: "direct",
  stages: alike(2).map((stage, device) => ({ ...stage, device, memoryBytes: 10 })),
  link: { latencyMs: 0, bytesPerMs: 1 },
  recompute: "auto",
};

const planOf = (makespanMs: number, again: readonly number[] = []): Fitting =>
  ({
    placed: { draft: { timeline: { makespanMs }, cut: { stageOf: [0, 1], again, solver: "test" } }, updateMs: 1 },
    heldBytes: [10, 10],
    countedBytes: [8, 8],
  }) as unknown as Fitting;

/** A fitter with a quick cut that takes `freeMs`, and whose cuts are what `fit` says. */
function fake(freeMs: number, fit: Fitter["fit"]) {
  const asked: string[] = [];
  const cut = { stageOf: [0, 1], solver: "test" } as unknown as Partition;
  const fitter = {
    limits: [10, 10],
    linkedNodes: 0,
    fit: (own: PartitionProblem, reserved?: readonly number[]) => {
      asked.push(`${String(own.recompute)} ${reserved?.join() ?? ""}`.trim());
      return fit(own, reserved);
    },
    freeCut: async () => cut,
    tightCut: async () => undefined,
    wholeCut: async () => undefined,
    draftMs: () => freeMs,
    searched: (own: Fitting) => own,
    keeps: () => false,
    againCurve: () => ({ sets: () => [{ blocks: [], ms: 0, keptBytes: 0, msPerByte: 0 }] }),
    relink: () => ({ ...planOf(freeMs), heldBytes: [99, 99], prices: [0, 0] }),
  };
  return { fitter: fitter as unknown as Fitter, asked };
}

const options = { isTimeUp: async () => false };
const refusal = new PipewrightError("PLAN_INFEASIBLE", "partition: pins leave no partition; got a test. Remove it.");

it("takes the first plan where memory costs nothing", async () => {
  const { fitter, asked } = fake(5, async () => planOf(5));
  expect((await fitAgain(problem, fitter, options))!.placed.draft.timeline.makespanMs).toBe(5);
  expect(asked).toEqual(["auto"]);
});

it("cuts again with what is not counted where memory costs time, and keeps the faster plan", async () => {
  const { fitter, asked } = fake(5, async (_, reserved) => planOf(reserved ? 7 : 9, [1]));
  expect((await fitAgain(problem, fitter, options))!.placed.draft.timeline.makespanMs).toBe(7);
  expect(asked).toEqual(["auto", "auto 2,2", "auto 2,2"]);
});

it("lets everything run again where nothing else fits", async () => {
  const { fitter, asked } = fake(5, async ({ recompute }) => (recompute === "all" ? planOf(12, [0, 1]) : undefined));
  expect((await fitAgain(problem, fitter, options))!.placed.draft.timeline.makespanMs).toBe(12);
  expect(asked.slice(0, 2)).toEqual(["auto", "all"]);
});

it("says why no cut is possible, and nothing where plans only lack memory", async () => {
  const never = fake(5, async () => {
    throw refusal;
  });
  await expect(fitAgain(problem, never.fitter, options)).rejects.toBe(refusal);
  const small = fake(5, async () => undefined);
  expect(await fitAgain(problem, small.fitter, options)).toBeUndefined();
});

it("ends with the first plan when time is up", async () => {
  const { fitter, asked } = fake(5, async () => planOf(9, [1]));
  expect(await fitAgain(problem, fitter, { isTimeUp: async () => true })).toBeDefined();
  expect(asked).toEqual(["auto"]);
});
