import { describe, expect, it } from "vitest";
import type { PlanAction } from "../../compiler/plan/plan.js";
import { predictedMs } from "../../compiler/plan/replay.js";
import type { RowTimes } from "../../runtime/row-times.js";
import { NO_SHARES } from "../support/no-shares.js";
import { StragglerWatch } from "../../runtime/straggler.js";
import { compileTiny, TINY_MLP } from "../support/tiny-models.js";

/** Rows in which each device is busy for its planned time, times a factor. */
async function watchOf(devices: number) {
  const { plan } = await compileTiny(TINY_MLP, { devices });
  const whole = { ...plan, files: {} };
  const plannedMs = plan.stages.map(
    ({ forwardMs, inputGradMs, weightGradMs }) => (forwardMs + inputGradMs + weightGradMs) * plan.microbatches,
  );
  const rows = (factors: readonly number[]): readonly RowTimes[] =>
    factors.map((factor, device) => ({
      startMs: new Float64Array(plan.rows[device]!.length),
      endMs: new Float64Array(plan.rows[device]!.length).fill(plannedMs[device]! * factor, 0, 1),
      stoodIn: [],
      updateEndMs: 0,
      shares: NO_SHARES,
      peakBytes: 0,
    }));
  return { watch: new StragglerWatch(whole), rows };
}

function addSteps(watch: StragglerWatch, rows: readonly RowTimes[], steps: number): readonly string[] {
  return Array.from({ length: steps }, () => watch.add(rows)).flat();
}

describe("a straggler", () => {
  it("is reported once, with its stage and how slow it is", async () => {
    const { watch, rows } = await watchOf(3);
    const said = addSteps(watch, rows([2, 2, 6.2]), 100);
    expect(said).toEqual([
      expect.stringMatching(/^straggler: device 2 \(stage 2\) takes 3\.1 times as long as planned/),
    ]);
    expect(watch.found).toEqual(said);
  });

  it("is also one that became slow in the middle of the run", async () => {
    const { watch, rows } = await watchOf(2);
    expect(addSteps(watch, rows([1, 1]), 40)).toEqual([]);
    expect(addSteps(watch, rows([3, 1]), 20)).toEqual([expect.stringMatching(/device 0/)]);
  });

  it("is judged by what it ran itself", async () => {
    const { plan } = await compileTiny(TINY_MLP, { devices: 2, schedule: "zb-h1" });
    const whole = { ...plan, files: {} };
    const msOf = (action: PlanAction, factor: number): number => predictedMs(whole, action) * factor;
    /** The first device takes three times as long; the other runs all of its weight gradients, as fast as planned. */
    const ends = plan.rows.map((row, device) =>
      Float64Array.from(row, (action) => msOf(action, device === 0 && action.phase !== "W" ? 3 : 1)),
    );
    const stoodIn = plan.rows[0]!.flatMap(({ phase }, position) =>
      phase === "W" ? [{ device: 0, position, startMs: 0, endMs: ends[0]![position]! }] : [],
    );
    const rows = ends.map((endMs, device): RowTimes => ({
      startMs: new Float64Array(endMs.length),
      endMs,
      stoodIn: device === 1 ? stoodIn : [],
      updateEndMs: 0,
      shares: NO_SHARES,
      peakBytes: 0,
    }));
    expect(addSteps(new StragglerWatch(whole), rows, 20)).toEqual([
      expect.stringMatching(/^straggler: device 0 \(stage 0\) takes 3\.0 times/),
    ]);
  });

  it("is not a plan that is too fast for all alike, nor a few slow steps", async () => {
    const { watch, rows } = await watchOf(2);
    const said = [
      addSteps(watch, rows([5, 6]), 20),
      addSteps(watch, rows([5, 50]), 8),
      addSteps(watch, rows([5, 6]), 12),
    ];
    expect(said.flat()).toEqual([]);
  });
});
