/** @file Searching the order of a plan for longer: no slower, and in the memory of the order that it started from. */
import { expect, it } from "vitest";
import { refinedOrder } from "../../../compiler/planning/refined-order.js";
import { canonicalSchedule } from "../../../compiler/schedule/canonical.js";
import { splitStages } from "../../../compiler/schedule/action.js";
import { checkSchedule } from "../../../compiler/schedule/check.js";
import { makespanBound } from "../../../compiler/schedule/bound.js";
import { interleaved1f1b } from "../../../compiler/schedule/interleaved-1f1b.js";
import { peakStash } from "../../../compiler/schedule/in-flight.js";
import { problemOf } from "../../../compiler/schedule/problem.js";
import { reorder, roomySearchStart } from "../../../compiler/schedule/reorder.js";
import { simulate } from "../../../compiler/schedule/simulate.js";

const COSTS = {
  forwardMs: [5.6, 7.7, 30, 31.9],
  inputGradMs: [7.1, 9.8, 37.3, 38],
  weightGradMs: [5.8, 8.3, 26.8, 31.4],
};

/** The same where each program starts for a while. */
function costsWith(startMs: number, isSplit: readonly boolean[]): typeof COSTS {
  const { forwardMs, inputGradMs, weightGradMs } = COSTS;
  return {
    forwardMs: forwardMs.map((ms) => ms + startMs),
    inputGradMs: inputGradMs.map((ms) => ms + startMs),
    weightGradMs: weightGradMs.map((ms, stage) => ms + (isSplit[stage] ? startMs : 0)),
  };
}

it.each([1, 3, 10, 30])(
  "is no slower than an order of whole backward passes where a program starts in %d ms",
  (startMs) => {
    const start = canonicalSchedule(interleaved1f1b({ devices: 2, microbatches: 8, stagesPerDevice: 2 }));
    const costs = (isSplit: readonly boolean[]) => costsWith(startMs, isSplit);
    const stageCosts = costs(splitStages(start));
    const whole = { schedule: start, costsWith: costs, stageCosts, timeline: simulate(start, stageCosts) };
    const { schedule, timeline } = refinedOrder(whole, start);
    expect(timeline).toEqual(simulate(schedule, costs(splitStages(schedule))));
    expect(timeline.makespanMs).toBeLessThanOrEqual(whole.timeline.makespanMs * (1 + 1e-9));
  },
);

it("reaches the bound where a brief search does not", () => {
  const start = canonicalSchedule(roomySearchStart({ devices: 2, microbatches: 8, stagesPerDevice: 2 }));
  const { schedule } = reorder(start, COSTS, { evaluations: 300 });
  const brief = { schedule, costsWith: () => COSTS, stageCosts: COSTS, timeline: simulate(schedule, COSTS) };
  const refined = refinedOrder(brief, start);
  checkSchedule(refined.schedule);
  expect(refined.timeline).toEqual(simulate(refined.schedule, COSTS));
  expect(refined.timeline.makespanMs).toBeLessThan(brief.timeline.makespanMs);
  const boundMs = makespanBound(problemOf(refined.schedule, COSTS));
  expect(refined.timeline.makespanMs).toBeLessThanOrEqual(boundMs * (1 + 1e-9));
  const room = peakStash(start);
  for (const [device, kept] of peakStash(refined.schedule).entries()) expect(kept).toBeLessThanOrEqual(room[device]!);
});
