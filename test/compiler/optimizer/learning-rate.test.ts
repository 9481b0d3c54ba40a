/** @file Learning rates from step to step: begin, end and the way between. */
import { describe, expect, it } from "vitest";
import { checkOptimizer, optimizerFault } from "../../../compiler/optimizer/check.js";
import { learningRateAt } from "../../../compiler/optimizer/learning-rate.js";
import type { LearningRateSchedule, OptimizerSpec } from "../../../compiler/plan/plan.js";
import { SGD } from "../../support/tiny-models.js";

const FLAT: LearningRateSchedule = { kind: "constant", warmupSteps: 0, warmupStart: 0, floor: 0 };
const rates = (schedule: Partial<LearningRateSchedule>, steps: number, scale?: number) =>
  Array.from({ length: steps }, (_, done) =>
    learningRateAt(
      { ...SGD, learningRate: 1, schedule: { ...FLAT, ...schedule } },
      done + 1,
      scale === undefined ? {} : { learningRateScale: scale },
    ),
  );
const faultOf = (settings: Partial<OptimizerSpec>) => optimizerFault({ ...SGD, ...settings } as OptimizerSpec);
const near = (numbers: readonly number[]) => numbers.map((number): unknown => expect.closeTo(number, 14));

describe("the learning rate", () => {
  it("stays without a schedule", () => {
    expect([1, 2, 1000].map((step) => learningRateAt(SGD, step))).toEqual([0.05, 0.05, 0.05]);
    expect(learningRateAt(SGD, 3, { learningRateScale: 2 })).toBe(0.1);
  });

  it("warms up in a line and then stays", () => {
    expect(rates({ warmupSteps: 4 }, 6)).toEqual([0, 0.25, 0.5, 0.75, 1, 1]);
    expect(rates({ warmupSteps: 2, warmupStart: 0.5 }, 4)).toEqual([0.5, 0.75, 1, 1]);
  });

  it("falls in a line to its floor and stays there", () => {
    expect(rates({ kind: "linear", totalSteps: 4 }, 6)).toEqual([1, 0.75, 0.5, 0.25, 0, 0]);
    expect(rates({ kind: "linear", totalSteps: 4, warmupSteps: 2, floor: 0.5 }, 6)).toEqual([
      0, 0.5, 1, 0.75, 0.5, 0.5,
    ]);
  });

  it("falls as half a cosine", () => {
    const half = Math.SQRT1_2 / 2;
    expect(rates({ kind: "cosine", totalSteps: 4 }, 6)).toEqual(near([1, 0.5 + half, 0.5, 0.5 - half, 0, 0]));
    expect(rates({ kind: "cosine", totalSteps: 3, warmupSteps: 1, floor: 0.2 }, 4)).toEqual(near([0, 1, 0.6, 0.2]));
  });

  it("is scaled for the parameters of a group", () => {
    expect(rates({ kind: "linear", totalSteps: 4 }, 3, 0.5)).toEqual([0.5, 0.375, 0.25]);
  });
});

it("refuses schedules without end and norms that nothing has", () => {
  const linear: LearningRateSchedule = { ...FLAT, kind: "linear" };
  expect(faultOf({ schedule: FLAT, clipNorm: 1 })).toBeUndefined();
  expect(faultOf({ schedule: { ...linear, totalSteps: 2, warmupSteps: 1 } })).toBeUndefined();
  expect(faultOf({ schedule: linear })).toBe("the learning-rate schedule linear has no end");
  expect(faultOf({ schedule: { ...linear, totalSteps: 2, warmupSteps: 2 } })).toMatch(
    /ends at step 2, within its warm-up/,
  );
  expect(faultOf({ clipNorm: 0 })).toBe("gradients are clipped to a norm of 0");
  expect(() => checkOptimizer({ ...SGD, clipNorm: NaN })).toThrow("optimizer: gradients are clipped to a norm of NaN.");
});
