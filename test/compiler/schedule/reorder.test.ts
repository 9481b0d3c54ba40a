/** @file Orders for stages of given costs, as plans take them: canonical, in the memory, no slower, whole where that is free. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Schedule } from "../../../compiler/schedule/action.js";
import { formatAction } from "../../../compiler/schedule/action.js";
import { canonicalSchedule } from "../../../compiler/schedule/canonical.js";
import { checkSchedule } from "../../../compiler/schedule/check.js";
import { uniformCosts, uniformLatency } from "../../../compiler/schedule/costs.js";
import { fuseBackwards } from "../../../compiler/schedule/fuse.js";
import { peakStash } from "../../../compiler/schedule/in-flight.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";
import { reorder, roomySearchStart, searchStart } from "../../../compiler/schedule/reorder.js";
import { simulate } from "../../../compiler/schedule/simulate.js";

it.each(["1f1b", "zb-h1", "windowed-1f1b", "interleaved-1f1b", "zb-v", "v-half", "wave", "dualpipe-v"])(
  "%s becomes a canonical schedule of the same stages that is no slower and keeps no more",
  (name) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 5, max: 20 }), { minLength: 6, maxLength: 6 }), fc.nat(4), (f, lag) => {
        const given = canonicalSchedule(scheduleByName(name, { devices: 3, microbatches: 6 }));
        const forwardMs = given.placement.map((_, stage) => f[stage % 6]!);
        const costs = {
          forwardMs,
          inputGradMs: forwardMs.map((ms) => 1.1 * ms),
          weightGradMs: forwardMs.map((ms) => 0.7 * ms),
          transfers: uniformLatency(given.stages, lag),
          stash: { forward: forwardMs, weight: forwardMs.map((ms) => ms / 2) },
        };
        const { schedule, makespanMs, boundMs } = reorder(given, costs, { evaluations: 300 });
        checkSchedule(schedule);
        expect(canonicalSchedule(schedule)).toEqual({ ...schedule, name: schedule.name });
        expect(schedule.placement).toEqual(given.placement);
        expect(makespanMs).toBeLessThanOrEqual(simulate(given, costs).makespanMs * (1 + 1e-9));
        expect(simulate(schedule, costs).makespanMs).toBeLessThanOrEqual(makespanMs * (1 + 1e-9));
        expect(boundMs).toBeLessThanOrEqual(makespanMs * (1 + 1e-9));
        const room = peakStash(given, costs.stash);
        for (const [d, kept] of peakStash(schedule, costs.stash).entries())
          expect(kept).toBeLessThanOrEqual(room[d]! * (1 + 1e-9));
      }),
      { seed: 20260101, numRuns: 6 },
    );
  },
);

it("runs whole backwards where halves gain nothing", () => {
  const grid = (name: string) => {
    const schedule = scheduleByName(name, { devices: 3, microbatches: 3 });
    return fuseBackwards(schedule, uniformCosts(3)).rows.map((row) => row.map(formatAction).join(" "));
  };
  expect(grid("1f1b")[0]).toBe("0F0 0F1 0F2 0B0 0B1 0B2");
  expect(grid("zb-h1")).toMatchInlineSnapshot(`
    [
      "0F0 0F1 0F2 0B0 0B1 0B2",
      "1F0 1F1 1I0 1F2 1I1 1W0 1I2 1W1 1W2",
      "2F0 2I0 2F1 2I1 2F2 2I2 2W0 2W1 2W2",
    ]
  `);
});

it("keeps the halves that shorten the step", () => {
  const schedule = scheduleByName("zb-h1", { devices: 3, microbatches: 6 });
  const fused = fuseBackwards(schedule, uniformCosts(3));
  expect(simulate(fused, uniformCosts(3)).makespanMs).toBe(simulate(schedule, uniformCosts(3)).makespanMs);
  expect(fused.rows[2]!.some(({ phase }) => phase === "W")).toBe(true);
});

it.each([
  { devices: 2, microbatches: 8, stagesPerDevice: 1 },
  { devices: 2, microbatches: 16, stagesPerDevice: 2 },
  { devices: 4, microbatches: 8, stagesPerDevice: 2 },
  { devices: 3, microbatches: 9, stagesPerDevice: 3 },
])("with at most twice the memory a search idles less: $devices devices, $stagesPerDevice stages each", (size) => {
  const [narrow, roomy] = [searchStart(size), roomySearchStart(size)].map(canonicalSchedule) as [Schedule, Schedule];
  checkSchedule(roomy);
  expect(roomy.placement).toEqual(narrow.placement);
  const room = peakStash(narrow);
  const kept = peakStash(roomy);
  for (const [device, stash] of kept.entries()) expect(stash).toBeLessThanOrEqual(2 * room[device]!);
  expect(Math.max(...kept)).toBeGreaterThan(Math.max(...room));
  const forwardMs = narrow.placement.map((_, stage) => [6, 8, 30, 32][stage % 4]!);
  const costs = { forwardMs, inputGradMs: forwardMs.map((ms) => 1.2 * ms), weightGradMs: forwardMs };
  const [before, after] = [narrow, roomy].map((start) => reorder(start, costs, { evaluations: 5_000 }).makespanMs);
  expect(after!).toBeLessThanOrEqual(before!);
  if (size.stagesPerDevice === 2) expect(after!).toBeLessThan(before!);
});
