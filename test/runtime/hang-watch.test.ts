/** @file Who hangs when a device runs what another offered: the one that runs it, not the one that waits for it. */
import { expect, it } from "vitest";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Clock } from "../../runtime/env/env.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { HangWatch } from "../../runtime/hang-watch.js";
import { layoutOf } from "../../runtime/layout.js";
import { Progress } from "../../runtime/progress.js";
import { StandIn } from "../../runtime/stand-in.js";
import { compileTiny, TINY_MLP } from "../support/tiny-models.js";

const LIMIT_MS = 100;

/** A clock that goes on only while somebody sleeps, until `endMs`; then sleeps never end. */
function sleeperClock(endMs: number): Clock {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    sleep: (ms: number) => {
      nowMs += ms;
      return nowMs < endMs ? Promise.resolve() : new Promise<void>(() => undefined);
    },
  } as unknown as Clock;
}

it("is the device that claimed an offer and does not finish it", async () => {
  const compiled = await compileTiny(TINY_MLP, { schedule: "zb-h1" });
  const plan: Plan = { ...compiled.plan, files: {} };
  const layout = layoutOf(plan);
  const memory = nodeEnv().memories.create(layout.bytes);
  try {
    const rowLengths = plan.rows.map((row) => row.length);
    const progress = new Progress(memory, layout, rowLengths);
    const [offer] = new StandIn(plan, 0).foreign;
    // All is done but one weight gradient, which the first device runs for the second.
    for (let count = 0; count < rowLengths[0]!; count++) progress.advance(0);
    for (let count = 0; count < offer!.position; count++) progress.advance(1);
    progress.claims.take(0, offer!.number, 0);
    const watch = new HangWatch(plan, layout, memory, progress, sleeperClock(20 * LIMIT_MS), LIMIT_MS);
    const hung: number[] = [];
    for (const device of [0, 1]) watch.begin(device, 0, () => hung.push(device));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(hung).toEqual([0]);
  } finally {
    memory.close();
  }
});
