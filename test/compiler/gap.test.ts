/** @file The gap between what was found and its bound: one definition for partitions, searches and plans. */
import { describe, expect, it } from "vitest";
import { gapOf, isClosed } from "../../compiler/gap.js";
import { certify } from "../../compiler/partition/certificate.js";
import { forecast } from "../../compiler/plan/forecast.js";
import { uniformCosts } from "../../compiler/schedule/costs.js";
import { problemOf } from "../../compiler/schedule/problem.js";
import { scheduleByName } from "../../compiler/schedule/registry.js";
import { searchSchedule } from "../../compiler/schedule/search.js";
import { simulate } from "../../compiler/schedule/simulate.js";

describe("the gap", () => {
  it("is a share of what was reached", () => {
    expect(gapOf(5, 4)).toBe(0.2);
    expect(gapOf(5, 5)).toBe(0);
    expect(gapOf(5, 5 + 1e-12)).toBe(0);
    expect(gapOf(0, 0)).toBe(0);
  });

  it("is closed up to rounding only", () => {
    expect(isClosed(gapOf(0.1 + 0.2, 0.3))).toBe(true);
    expect(isClosed(gapOf(1, 1 - 1e-8))).toBe(false);
  });

  it("is the same of a partition, of a plan's schedule and of a search", () => {
    expect(certify(5, 4, 4).gap).toBe(gapOf(5, 4));
    const schedule = scheduleByName("v-min", { devices: 4, microbatches: 8 });
    const costs = uniformCosts(schedule.stages);
    const planned = forecast(schedule, costs, simulate(schedule, costs), { updateMs: 0, peakBytes: [] });
    expect(planned).toMatchObject({ makespanMs: 59, boundMs: 51, gap: 8 / 59 });
    const capacity = [4, 4, 4, 4];
    const found = searchSchedule(problemOf(schedule, costs, capacity), { evaluations: 300 });
    expect(found.gap).toBe((found.makespanMs - found.boundMs) / found.makespanMs);
    expect(found.gap).toBeGreaterThan(0);
  });
});
