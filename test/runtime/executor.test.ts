/** @file What the way of an order to a device counts as. */
import { describe, expect, it } from "vitest";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Device } from "../../runtime/device.js";
import { RowRun } from "../../runtime/executor.js";
import { layoutOf } from "../../runtime/layout.js";
import { Progress } from "../../runtime/progress.js";
import { StandIn } from "../../runtime/stand-in.js";
import { Laps } from "../../runtime/step-shares.js";
import { simulatedEnv } from "../support/simulated-env.js";
import { compileTiny, TINY_MLP } from "../support/tiny-models.js";

const WAY_MS = 5;

describe("the way of an order", () => {
  it("is overhead where the row could have begun, and else part of its first wait", async () => {
    const { plan: planned } = await compileTiny(TINY_MLP, { schedule: "1f1b" });
    const plan: Plan = { ...planned, files: {} };
    const layout = layoutOf(plan);
    const { memories, clock } = simulatedEnv();
    const rowLengths = plan.rows.map((row) => row.length);
    const progress = new Progress(memories.create(layout.bytes), layout, rowLengths);
    const sharesOf = (index: number) => {
      const laps = new Laps(clock, clock.nowMs());
      clock.pass(WAY_MS);
      const device = { standIn: new StandIn(plan, index) } as Device;
      new RowRun(plan, index, device, progress, laps, 0);
      return laps.shares;
    };
    const none = { compute: 0, transfer: 0, update: 0 };
    expect(sharesOf(0)).toEqual({ ...none, overhead: WAY_MS, wait: 0 });
    expect(sharesOf(1)).toEqual({ ...none, overhead: 0, wait: WAY_MS });
    progress.advance(0);
    expect(sharesOf(1)).toEqual({ ...none, overhead: WAY_MS, wait: 0 });
  });
});
