/** @file The forecast of a step: its bound holds for every order of the same actions, and says when one is optimal. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forecast } from "../../../compiler/plan/forecast.js";
import { canonicalSchedule } from "../../../compiler/schedule/canonical.js";
import type { ScheduleCosts } from "../../../compiler/schedule/costs.js";
import { uniformCosts } from "../../../compiler/schedule/costs.js";
import { SCHEDULES, scheduleByName } from "../../../compiler/schedule/registry.js";
import { simulate } from "../../../compiler/schedule/simulate.js";

const looked = (name: string, devices: number, costs: (stages: number) => ScheduleCosts) => {
  const schedule = canonicalSchedule(scheduleByName(name, { devices, microbatches: 6 }));
  const times = costs(schedule.stages);
  return forecast(schedule, times, simulate(schedule, times), { updateMs: 0, peakBytes: [] });
};

it("proves 1f1b with equal stages optimal among whole backwards", () => {
  const { makespanMs, boundMs, gap, bubble, peakActivations } = looked("1f1b", 3, uniformCosts);
  expect({ makespanMs, boundMs, gap }).toEqual({ makespanMs: 24, boundMs: 24, gap: 0 });
  expect(bubble).toBeCloseTo(6 / 24, 12);
  expect(peakActivations).toEqual([3, 2, 1]);
});

it("does not count weight gradients as if the first stage had to wait for them", () => {
  const { makespanMs, boundMs } = looked("zb-h2", 2, uniformCosts);
  expect(makespanMs).toBe(19);
  expect(boundMs).toBe(19);
});

describe("the bound", () => {
  const names = SCHEDULES.map(({ name }) => name).filter((name) => name !== "dualpipe" && name !== "chimera");
  const ms = fc.integer({ min: 1, max: 9 });

  it("is the same for all orders of the same actions, and none is faster", () => {
    fc.assert(
      fc.property(fc.array(ms, { minLength: 9, maxLength: 9 }), (times) => {
        const costs = (stages: number): ScheduleCosts => ({
          forwardMs: times.slice(0, stages),
          inputGradMs: times.slice(3, 3 + stages),
          weightGradMs: times.slice(6, 6 + stages),
        });
        for (const group of [
          ["gpipe", "1f1b", "eager-1f1b", "windowed-1f1b"],
          ["zb-h1", "zb-h2"],
        ]) {
          const forecasts = group.map((name) => looked(name, 3, costs));
          expect(new Set(forecasts.map(({ boundMs }) => boundMs)).size).toBe(1);
          for (const { boundMs, makespanMs } of forecasts) expect(boundMs).toBeLessThanOrEqual(makespanMs);
        }
      }),
      { seed: 11, numRuns: 40 },
    );
  });

  it.each(names)("of %s is positive and at most the makespan", (name) => {
    const { boundMs, makespanMs, gap } = looked(name, 2, uniformCosts);
    expect(boundMs).toBeGreaterThan(0);
    expect(gap).toBeCloseTo(1 - boundMs / makespanMs, 12);
  });
});
