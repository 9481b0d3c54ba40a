/** @file What every schedule promises, for random sizes: each action once, order, no deadlock, the bounds of in-flight. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSchedule } from "../../compiler/schedule/check.js";
import { readCsv, writeCsv } from "../../compiler/schedule/csv.js";
import { inFlight } from "../../compiler/schedule/in-flight.js";
import { linearize } from "../../compiler/schedule/linearize.js";
import { SCHEDULES } from "../../compiler/schedule/registry.js";
import { uniformCosts } from "../../compiler/schedule/costs.js";
import { simulate } from "../../compiler/schedule/simulate.js";
import { ActionIndex } from "../../compiler/schedule/flat.js";
import { dependencies } from "../../compiler/schedule/order.js";
import { sizeOf } from "./schedule-sizes.js";

describe.each(SCHEDULES.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
  const schedules = sizeOf(entry.name).map((size) => entry.build(size));
  const forAll = (holds: (schedule: typeof schedules extends fc.Arbitrary<infer S> ? S : never) => void) =>
    fc.assert(fc.property(schedules, holds), { seed: 20240607, numRuns: 60 });

  it("is a schedule", () => {
    forAll((schedule) => checkSchedule(schedule));
  });

  it("keeps at least one and at most all microbatches in flight on every stage", () => {
    forAll((schedule) => {
      for (const peak of inFlight(schedule)) expect(peak).toBeGreaterThanOrEqual(1);
      for (const peak of inFlight(schedule)) expect(peak).toBeLessThanOrEqual(schedule.microbatches);
    });
  });

  it("is never faster than its busiest device, nor slower than no overlap at all", () => {
    forAll((schedule) => {
      const timeline = simulate(
        schedule,
        uniformCosts(schedule.stages, { forwardMs: 2, inputGradMs: 3, weightGradMs: 1 }),
      );
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
        const order = linearize(schedule, simulate(schedule, costs));
        const done = new Set<number>();
        const next = new Array<number>(schedule.devices).fill(0);
        for (const action of order) {
          expect(action.position).toBe(next[action.device]!++);
          for (const need of dependencies(action, schedule, index.gradientPhase))
            expect(done).toContain(index.get(need));
          done.add(index.get(action));
        }
        expect(order).toHaveLength(schedule.rows.flat().length);
      }
    });
  });

  it("survives CSV", () => {
    forAll((schedule) => {
      const { rows, placement, pairs } = readCsv(writeCsv(schedule));
      expect({ rows, placement, pairs }).toEqual({
        rows: schedule.rows,
        placement: schedule.placement,
        pairs: schedule.pairs,
      });
    });
  });
});
