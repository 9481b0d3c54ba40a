/** @file Where the times of actions go that another device ran. */
import { expect, it } from "vitest";
import type { RowTimes } from "../../runtime/row-times.js";
import { ranActions, withStandIns } from "../../runtime/row-times.js";
import { NO_SHARES } from "../support/no-shares.js";
import { compileTiny, TINY_MLP } from "../support/tiny-models.js";

it("goes to the action's place in its row, and the action to the device that ran it", async () => {
  const { plan } = await compileTiny(TINY_MLP, { schedule: "zb-h1", microbatches: 2 });
  const position = plan.rows[1]!.findIndex(({ phase }) => phase === "W");
  const startMs = 2.5;
  const rows = plan.rows.map((row, device): RowTimes => {
    const isGone = (at: number): boolean => device === 1 && at === position;
    return {
      startMs: Float64Array.from(row, (_, at) => (isGone(at) ? 0 : at)),
      endMs: Float64Array.from(row, (_, at) => (isGone(at) ? 0 : at + 1)),
      stoodIn: device === 0 ? [{ device: 1, position, startMs, endMs: 2.75 }] : [],
      updateEndMs: row.length,
      shares: NO_SHARES,
      peakBytes: 0,
    };
  });
  const whole = withStandIns(rows);
  expect(whole[1]!.startMs[position]).toBe(startMs);
  expect(whole[1]!.endMs[position]).toBe(2.75);
  const ran = ranActions(plan, whole);
  expect(ran[1]!.map(({ action }) => action)).toEqual(plan.rows[1]!.filter((_, at) => at !== position));
  const expected = [...plan.rows[0]!];
  expected.splice(3, 0, plan.rows[1]![position]!);
  expect(ran[0]!.map(({ action }) => action)).toEqual(expected);
});
