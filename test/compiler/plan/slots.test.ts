/** @file Rings of slots: no two microbatches at once in one slot, and no more slots than that takes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Value } from "../../../compiler/ir/graph.js";
import type { ProgramKey } from "../../../compiler/plan/placed.js";
import type { Crossing } from "../../../compiler/plan/ports.js";
import type { SlotRing } from "../../../compiler/plan/slots.js";
import { actionKey, actionOf } from "../../../compiler/plan/runs.js";
import { assignSlots } from "../../../compiler/plan/slots.js";
import type { Action, Schedule } from "../../../compiler/schedule/action.js";
import { uniformCosts } from "../../../compiler/schedule/costs.js";
import { linearize } from "../../../compiler/schedule/linearize.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { crossingsOf, runnableSchedules } from "./random-crossings.js";

const ordered = (schedule: Schedule): readonly Action[] =>
  linearize(schedule, simulate(schedule, uniformCosts(schedule.stages)));

describe.each(runnableSchedules)("%s", (_, schedules) => {
  it("never puts two microbatches into one slot at the same time, and has no slot too many", () => {
    const cases = schedules.chain((schedule) => fc.tuple(fc.constant(schedule), crossingsOf(schedule)));
    fc.assert(
      fc.property(cases, ([schedule, crossings]) => {
        const order = ordered(schedule);
        for (const ring of assignSlots(crossings, order, schedule.placement, schedule.microbatches))
          checkRing(ring, schedule, order);
      }),
      { seed: 31, numRuns: 30 },
    );
  });
});

/** Replays the linear order and watches who holds each slot. */
function checkRing(ring: SlotRing, { placement, microbatches }: Schedule, order: readonly Action[]): void {
  const maker = { stage: ring.stage, kind: ring.program };
  const makes = new Map<number, number>();
  const unread = new Map<number, Set<number>>();
  for (let microbatch = 0; microbatch < microbatches; microbatch++) {
    makes.set(actionKey(actionOf(maker, microbatch), microbatches), microbatch);
    const keys = ring.readers.map((reader) => actionKey(actionOf(reader, microbatch), microbatches));
    unread.set(microbatch, new Set(keys));
  }
  const holder = new Array<number | undefined>(ring.slots).fill(undefined);
  let most = 0;
  for (const action of order) {
    const key = actionKey(action, microbatches);
    const made = makes.get(key);
    if (made !== undefined) {
      const before = holder[ring.slotOf[made]!];
      expect(ring.previous[made]).toBe(before);
      if (before !== undefined) expect(unread.get(before)!.size).toBe(0);
      holder[ring.slotOf[made]!] = made;
    }
    for (const [microbatch, keys] of unread) {
      if (!keys.delete(key)) continue;
      expect(holder[ring.slotOf[microbatch]!]).toBe(microbatch);
    }
    const held = holder.filter((microbatch) => microbatch !== undefined && unread.get(microbatch)!.size > 0);
    most = Math.max(most, held.length);
  }
  const isForeign = ring.readers.some(({ stage }) => placement[stage] !== placement[ring.stage]);
  expect(ring.slots).toBeLessThanOrEqual(Math.min(microbatches, most + (isForeign ? 1 : 0)));
  for (const { shared } of ring.values) expect(shared).toBe(isForeign);
}

describe("1f1b on two devices", () => {
  const schedule = scheduleByName("1f1b", { devices: 2, microbatches: 4 });
  const value = (id: number): Value => ({ id, name: `v${id}`, type: { dtype: "float32", shape: [2] } });
  const key = (stage: number, kind: ProgramKey["kind"]): ProgramKey => ({ stage, kind });
  const ringsOf = (...crossings: Crossing[]) => assignSlots(crossings, ordered(schedule), schedule.placement, 4);

  it("keeps two stashes on the first stage, in turn", () => {
    const [ring] = ringsOf({ value: value(0), maker: key(0, "forward"), readers: [key(0, "backward")] });
    expect(ring).toMatchObject({ slots: 2, slotOf: [0, 1, 0, 1], previous: [undefined, undefined, 0, 1] });
  });

  it("spares a slot for what another device reads", () => {
    const [ring] = ringsOf({ value: value(0), maker: key(1, "backward"), readers: [key(0, "backward")] });
    expect(ring).toMatchObject({ slots: 2, values: [{ name: "v0", shared: true }] });
  });

  it("gives values with other readers a ring of their own", () => {
    const forward = key(0, "forward");
    const rings = ringsOf(
      { value: value(0), maker: forward, readers: [key(0, "backward")] },
      { value: value(1), maker: forward, readers: [key(1, "forward"), key(1, "backward")] },
      { value: value(2), maker: forward, readers: [key(1, "backward"), key(1, "forward")] },
    );
    expect(rings.map(({ values }) => values.map(({ name }) => name))).toEqual([["v0"], ["v1", "v2"]]);
  });

  it("has no more slots than microbatches", () => {
    const one = scheduleByName("1f1b", { devices: 2, microbatches: 1 });
    const crossing = { value: value(0), maker: key(0, "forward"), readers: [key(1, "forward")] };
    expect(assignSlots([crossing], ordered(one), one.placement, 1)[0]).toMatchObject({ slots: 1, slotOf: [0] });
  });
});
