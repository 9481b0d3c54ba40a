/** @file The form of schedules that plans run: no mixed stages, microbatches in ascending order, nothing else changed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Action, Schedule } from "../../../compiler/schedule/action.js";
import { formatAction } from "../../../compiler/schedule/action.js";
import { canonicalSchedule } from "../../../compiler/schedule/canonical.js";
import { uniformCosts } from "../../../compiler/schedule/costs.js";
import { dependencies } from "../../../compiler/schedule/order.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { checkSchedule } from "../../../compiler/schedule/check.js";
import { SCHEDULES, scheduleByName } from "../../../compiler/schedule/registry.js";
import { sizeOf } from "../../contract/schedule-sizes.js";

const grid = ({ rows }: Schedule): string[] => rows.map((row) => row.map(formatAction).join(" "));

it("leaves a schedule alone that needs nothing", () => {
  const schedule = scheduleByName("zb-h1", { devices: 3, microbatches: 5 });
  expect(canonicalSchedule(schedule)).toEqual(schedule);
});

it("turns backwards that run in reverse order around", () => {
  const schedule = scheduleByName("looped-bfs", { devices: 1, microbatches: 3, stagesPerDevice: 1 });
  expect(grid(schedule)).toEqual(["0F0 0F1 0F2 0B2 0B1 0B0"]);
  expect(grid(canonicalSchedule(schedule))).toEqual(["0F0 0F1 0F2 0B0 0B1 0B2"]);
});

it("runs I and W in place of B on a stage that has both", () => {
  const row = (text: string): Action[] =>
    text.split(" ").map((cell) => ({
      stage: Number(cell[0]),
      phase: cell[1] as Action["phase"],
      microbatch: Number(cell[2]),
    }));
  const rows = [row("0F0 1F0 1B0 0I0 0F1 1F1 1B1 0B1 0W0")];
  const schedule = { name: "mixed", devices: 1, stages: 2, microbatches: 2, placement: [0, 0], rows };
  expect(grid(canonicalSchedule(schedule))).toEqual(["0F0 1F0 1B0 0I0 0F1 1F1 1B1 0I1 0W0 0W1"]);
});

it("lets copies of the model take turns, of which copy 0 has the last, and sums in order", () => {
  const canonical = canonicalSchedule(scheduleByName("dualpipe", { devices: 2, microbatches: 6 }));
  expect(canonical).toMatchObject({ replicas: 2, replicaOf: [0, 1, 0, 1, 1, 0], sums: "in order" });
  const needs = (stage: number, microbatch: number) =>
    dependencies({ stage, phase: "W", microbatch }, canonical, () => "I")
      .map(formatAction)
      .join(" ");
  expect([needs(0, 0), needs(0, 2), needs(0, 5), needs(2, 1)]).toEqual(["0I0", "0I2 2W1", "0I5 2W4", "2I1"]);
});

it("takes little longer than the published order of two copies", () => {
  const stretch = (name: string, devices: number, microbatches: number) => {
    const schedule = scheduleByName(name, { devices, microbatches });
    const costs = uniformCosts(schedule.stages);
    return simulate(canonicalSchedule(schedule), costs).makespanMs - simulate(schedule, costs).makespanMs;
  };
  expect([stretch("dualpipe", 4, 16), stretch("dualpipe", 8, 32), stretch("chimera", 8, 32)]).toEqual([2, 2, 4]);
});

describe.each(SCHEDULES.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
  it("stays a schedule of the same work, with every phase of a stage in ascending order", () => {
    fc.assert(
      fc.property(sizeOf(entry.name), (size) => {
        const schedule = entry.build(size);
        const canonical = canonicalSchedule(schedule);
        checkSchedule(canonical);
        expect(canonicalSchedule(canonical)).toEqual(canonical);
        for (const row of canonical.rows) {
          const last = new Map<string, number>();
          for (const { stage, phase, microbatch } of row) {
            expect(microbatch).toBeGreaterThan(last.get(`${stage}${phase}`) ?? -1);
            last.set(`${stage}${phase}`, microbatch);
          }
          const isMixed = [...last.keys()].some((key) => key.endsWith("B") && last.has(key.replace("B", "I")));
          expect(isMixed).toBe(false);
        }
      }),
      { seed: 20240608, numRuns: 40 },
    );
  });
});
