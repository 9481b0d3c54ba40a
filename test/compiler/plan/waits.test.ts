/** @file Waits: rows that follow them never read too early, never overwrite too early and never get stuck, however long things take. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlanAction } from "../../../compiler/plan/plan.js";
import type { SlotRing } from "../../../compiler/plan/slots.js";
import { actionKey, actionOf } from "../../../compiler/plan/runs.js";
import { assignSlots } from "../../../compiler/plan/slots.js";
import { planRows } from "../../../compiler/plan/waits.js";
import { uniformCosts } from "../../../compiler/schedule/costs.js";
import { linearize } from "../../../compiler/schedule/linearize.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import type { Schedule } from "../../../compiler/schedule/action.js";
import { RandomStream } from "../../../compiler/random.js";
import { crossingsOf, runnableSchedules } from "./random-crossings.js";

const ringsOf = (schedule: Schedule, crossings: Parameters<typeof assignSlots>[0]): readonly SlotRing[] =>
  assignSlots(
    crossings,
    linearize(schedule, simulate(schedule, uniformCosts(schedule.stages))),
    schedule.placement,
    schedule.microbatches,
  );

describe.each(runnableSchedules)("%s", (_, schedules) => {
  it("runs to its end on any durations, with every value made before it is read and kept until it is", () => {
    const cases = schedules.chain((schedule) => fc.tuple(fc.constant(schedule), crossingsOf(schedule), fc.nat()));
    fc.assert(
      fc.property(cases, ([schedule, crossings, seed]) => {
        const rings = ringsOf(schedule, crossings);
        const times = run(planRows(schedule, rings), schedule, new RandomStream(seed, "durations"));
        expect(times.size).toBe(schedule.rows.flat().length);
        for (const ring of rings) checkUse(ring, schedule.microbatches, times);
      }),
      { seed: 32, numRuns: 30 },
    );
  });
});

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Runs the rows by their waits alone. What cannot start is missing in the result. */
function run(rows: readonly (readonly PlanAction[])[], schedule: Schedule, stream: RandomStream): Map<number, Span> {
  const ends: number[][] = rows.map(() => []);
  const spans = new Map<number, Span>();
  for (let moved = true; moved;) {
    moved = false;
    for (const [device, row] of rows.entries()) {
      for (let action = row[ends[device]!.length]; action; action = row[ends[device]!.length]) {
        if (action.waits.some((wait) => ends[wait.device]!.length < wait.count)) break;
        const waited = action.waits.map((wait) => ends[wait.device]![wait.count - 1]!);
        const start = Math.max(0, ends[device]!.at(-1) ?? 0, ...waited);
        const end = start + 0.01 + (stream.uniform() < 0.1 ? 100 : 1) * stream.uniform();
        ends[device]!.push(end);
        spans.set(actionKey(action, schedule.microbatches), { start, end });
        moved = true;
      }
    }
  }
  return spans;
}

function checkUse(ring: SlotRing, microbatches: number, spans: ReadonlyMap<number, Span>): void {
  const maker = { stage: ring.stage, kind: ring.program };
  for (let microbatch = 0; microbatch < microbatches; microbatch++) {
    const made = spans.get(actionKey(actionOf(maker, microbatch), microbatches))!;
    const previous = ring.previous[microbatch];
    for (const reader of ring.readers) {
      const read = spans.get(actionKey(actionOf(reader, microbatch), microbatches))!;
      expect(read.start).toBeGreaterThanOrEqual(made.end);
      if (previous === undefined) continue;
      const lastRead = spans.get(actionKey(actionOf(reader, previous), microbatches))!;
      expect(made.start).toBeGreaterThanOrEqual(lastRead.end);
    }
  }
}

it("waits for other devices only, and for nothing that was awaited before", () => {
  const schedule = scheduleByName("1f1b", { devices: 2, microbatches: 3 });
  const value = { id: 0, name: "activation", type: { dtype: "float32", shape: [1] } } as const;
  const gradient = { id: 1, name: "gradient", type: { dtype: "float32", shape: [1] } } as const;
  const rows = planRows(
    schedule,
    ringsOf(schedule, [
      { value, maker: { stage: 0, kind: "forward" }, readers: [{ stage: 1, kind: "forward" }] },
      { value: gradient, maker: { stage: 1, kind: "backward" }, readers: [{ stage: 0, kind: "backward" }] },
    ]),
  );
  const text = rows.map((row) =>
    row
      .map(({ stage, phase, microbatch, waits }) => {
        const list = waits.map(({ device, count }) => `${device}:${count}`).join(",");
        return `${stage}${phase}${microbatch}${list && `(${list})`}`;
      })
      .join(" "),
  );
  expect(text).toMatchInlineSnapshot(`
    [
      "0F0 0F1 0B0(1:2) 0F2 0B1(1:4) 0B2(1:6)",
      "1F0(0:1) 1B0 1F1(0:2) 1B1 1F2(0:4) 1B2",
    ]
  `);
});
