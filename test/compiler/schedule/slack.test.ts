/** @file Orders in which messages may be late: no slower, in the same memory, and better where messages are late. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { canonicalSchedule } from "../../../compiler/schedule/canonical.js";
import { checkSchedule } from "../../../compiler/schedule/check.js";
import type { ScheduleCosts } from "../../../compiler/schedule/costs.js";
import { uniformLatency } from "../../../compiler/schedule/costs.js";
import { peakStash } from "../../../compiler/schedule/in-flight.js";
import { reorder, roomySearchStart, searchStart } from "../../../compiler/schedule/reorder.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { withSlack } from "../../../compiler/schedule/slack.js";

const SIZE = { devices: 2, microbatches: 8, stagesPerDevice: 2 };

it("is no slower and keeps no more, whatever the times", () => {
  const times = fc.array(fc.integer({ min: 5, max: 40 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(times, times, times, fc.nat(6), (forwardMs, inputGradMs, weightGradMs, lag) => {
      const costs = { forwardMs, inputGradMs, weightGradMs, transfers: uniformLatency(4, lag) };
      const start = canonicalSchedule(searchStart(SIZE));
      const capacity = peakStash(start);
      const options = { evaluations: 1_000, capacity };
      const { schedule } = reorder(start, costs, options);
      const slack = withSlack(schedule, costs, options);
      checkSchedule(slack);
      expect(simulate(slack, costs).makespanMs).toBeLessThanOrEqual(simulate(schedule, costs).makespanMs * (1 + 1e-9));
      for (const [device, kept] of peakStash(slack).entries()) expect(kept).toBeLessThanOrEqual(capacity[device]!);
    }),
    { seed: 20260102, numRuns: 8 },
  );
});

it("shortens the step when messages are late", () => {
  const costs: ScheduleCosts = {
    forwardMs: [5.6, 7.7, 30, 31.9],
    inputGradMs: [7.1, 9.8, 37.3, 38],
    weightGradMs: [5.8, 8.3, 26.8, 31.4],
  };
  const start = canonicalSchedule(roomySearchStart({ ...SIZE, microbatches: 16 }));
  const options = { evaluations: 20_000, capacity: peakStash(start) };
  const { schedule } = reorder(start, costs, options);
  const slack = withSlack(schedule, costs, options);
  const late = { ...costs, transfers: uniformLatency(4, 10) };
  expect(simulate(slack, late).makespanMs).toBeLessThan(simulate(schedule, late).makespanMs);
});
