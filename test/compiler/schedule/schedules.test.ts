/** @file The grids of every schedule at its smallest telling size, and the bubble formulas of their papers. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { golden } from "../../support/golden.js";
import { uniformCosts } from "../../../compiler/schedule/costs.js";
import { inFlight } from "../../../compiler/schedule/in-flight.js";
import { printSchedule } from "../../../compiler/schedule/print.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import type { ScheduleSize } from "../../../compiler/schedule/size.js";

const SMALLEST: readonly [string, ScheduleSize][] = [
  ["gpipe", { devices: 3, microbatches: 4 }],
  ["1f1b", { devices: 3, microbatches: 4 }],
  ["eager-1f1b", { devices: 3, microbatches: 6 }],
  ["windowed-1f1b", { devices: 3, microbatches: 6, window: 4 }],
  ["interleaved-1f1b", { devices: 2, microbatches: 4, stagesPerDevice: 2 }],
];

it.each(SMALLEST)("%s looks like its grid", (name, size) => {
  golden(`schedules/${name}.txt`, printSchedule(scheduleByName(name, size)));
});

describe("bubble", () => {
  const size = fc.record({ devices: fc.integer({ min: 1, max: 8 }), microbatches: fc.integer({ min: 8, max: 32 }) });
  const times = fc.record({
    forwardMs: fc.integer({ min: 1, max: 9 }),
    inputGradMs: fc.integer({ min: 1, max: 9 }),
    weightGradMs: fc.integer({ min: 1, max: 9 }),
  });

  it.each(["gpipe", "1f1b", "eager-1f1b"])("of %s is (D - 1)(F + B)", (name) => {
    fc.assert(
      fc.property(size, times, (size, times) => {
        const schedule = scheduleByName(name, size);
        const { makespanMs, busyMs } = simulate(schedule, uniformCosts(schedule.stages, times));
        const perMicrobatch = times.forwardMs + times.inputGradMs + times.weightGradMs;
        expect(makespanMs - busyMs[0]!).toBe((size.devices - 1) * perMicrobatch);
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  it("of interleaved-1f1b is (D - 1)(F + B) for times of one stage, a V-th of a device (Narayanan et al. 2021)", () => {
    const rounds = fc.record({
      devices: fc.integer({ min: 1, max: 6 }),
      rounds: fc.integer({ min: 1, max: 4 }),
      stagesPerDevice: fc.integer({ min: 2, max: 4 }),
    });
    fc.assert(
      fc.property(rounds, times, ({ devices, rounds, stagesPerDevice }, times) => {
        const schedule = scheduleByName("interleaved-1f1b", {
          devices,
          microbatches: rounds * devices,
          stagesPerDevice,
        });
        const { makespanMs, busyMs } = simulate(schedule, uniformCosts(schedule.stages, times));
        const perMicrobatch = times.forwardMs + times.inputGradMs + times.weightGradMs;
        expect(makespanMs - busyMs[0]!).toBe((devices - 1) * perMicrobatch);
      }),
      { seed: 8, numRuns: 100 },
    );
  });
});

it("keeps the microbatches in flight that the papers say", () => {
  expect(inFlight(scheduleByName("gpipe", { devices: 4, microbatches: 8 }))).toEqual([8, 8, 8, 8]);
  expect(inFlight(scheduleByName("1f1b", { devices: 4, microbatches: 8 }))).toEqual([4, 3, 2, 1]);
  expect(inFlight(scheduleByName("eager-1f1b", { devices: 4, microbatches: 8 }))).toEqual([7, 5, 3, 1]);
  expect(inFlight(scheduleByName("interleaved", { devices: 4, microbatches: 8 }))).toEqual([6, 5, 3, 1]);
});
