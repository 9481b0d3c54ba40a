/** @file What every schedule promises, for random sizes: each action once, order, no deadlock, bounds, and a way back from text. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Schedule } from "../../compiler/schedule/action.js";
import { checkSchedule } from "../../compiler/schedule/check.js";
import { uniformCosts } from "../../compiler/schedule/costs.js";
import { readCommsCsv, readCsv, writeCommsCsv, writeCsv } from "../../compiler/schedule/csv.js";
import { ActionIndex } from "../../compiler/schedule/flat.js";
import { inFlight } from "../../compiler/schedule/in-flight.js";
import { linearize } from "../../compiler/schedule/linearize.js";
import { lower } from "../../compiler/schedule/lower.js";
import { dependencies } from "../../compiler/schedule/order.js";
import { SCHEDULES } from "../../compiler/schedule/registry.js";
import { simulate } from "../../compiler/schedule/simulate.js";
import { loweredFaults } from "../../compiler/schedule/verify.js";
import { leastSlots } from "../../compiler/schedule/verify-channels.js";
import { sizeOf } from "./schedule-sizes.js";

describe.each(SCHEDULES.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
  const forAll = (holds: (schedule: Schedule) => void) =>
    fc.assert(fc.property(sizeOf(entry.name).map(entry.build), holds), { seed: 20240607, numRuns: 40 });

  it("is a schedule", () => {
    forAll((schedule) => checkSchedule(schedule));
  });

  it("keeps at least one microbatch in flight on every stage that runs any, and at most all", () => {
    forAll((schedule) => {
      const runs = new Set(schedule.rows.flat().map(({ stage }) => stage));
      inFlight(schedule).forEach((peak, stage) => {
        expect(peak).toBeGreaterThanOrEqual(runs.has(stage) ? 1 : 0);
        expect(peak).toBeLessThanOrEqual(schedule.microbatches);
      });
    });
  });

  it("is never faster than its busiest device, nor slower than no overlap at all", () => {
    forAll((schedule) => {
      const costs = uniformCosts(schedule.stages, { forwardMs: 2, inputGradMs: 3, weightGradMs: 1 });
      const timeline = simulate(schedule, costs);
      expect(timeline.makespanMs).toBeGreaterThanOrEqual(Math.max(...timeline.busyMs));
      expect(timeline.makespanMs).toBeLessThanOrEqual(timeline.busyMs.reduce((sum, ms) => sum + ms, 0));
      expect(timeline.spanMs).toBeLessThanOrEqual(timeline.makespanMs);
    });
  });

  it("lists its actions in an order that dependencies and rows agree with, even at no cost", () => {
    forAll((schedule) => {
      const free = uniformCosts(schedule.stages, { forwardMs: 0, inputGradMs: 0, weightGradMs: 0 });
      const index = new ActionIndex(schedule);
      for (const costs of [uniformCosts(schedule.stages), free]) {
        const done = new Set<number>();
        const next = schedule.rows.map(() => 0);
        let inOrder = true;
        for (const action of linearize(schedule, simulate(schedule, costs))) {
          inOrder &&= action.position === next[action.device]!++;
          inOrder &&= dependencies(action, schedule, index.gradientPhase).every((need) => done.has(index.get(need)));
          done.add(index.get(action));
        }
        expect(inOrder).toBe(true);
        expect(done.size).toBe(schedule.rows.flat().length);
      }
    });
  });

  it("can be spelled out so that every rule holds and no channel needs a buffer", () => {
    forAll((schedule) => {
      const lowered = lower(schedule, { tied: [[0, schedule.stages - 1]] });
      expect(loweredFaults(lowered)).toEqual([]);
      expect(leastSlots(lowered)).toBe(0);
    });
  });

  it("survives CSV in both forms", () => {
    forAll((schedule) => {
      if ((schedule.replicas ?? 1) > 1) return;
      const { rows, placement, pairs } = readCsv(writeCsv(schedule));
      expect({ rows, placement, pairs }).toEqual({
        rows: schedule.rows,
        placement: schedule.placement,
        pairs: schedule.pairs,
      });
      const lowered = lower(schedule);
      expect(readCommsCsv(writeCommsCsv(lowered)).rows).toEqual(lowered.rows);
    });
  });
});
