/** @file Times that can be worked out by hand: latency, wires, queues, blocking, overlap, stash. */
import { describe, expect, it } from "vitest";
import type { Transfer } from "../../../compiler/schedule/costs.js";
import { uniformCosts, uniformLatency } from "../../../compiler/schedule/costs.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";
import { simulate } from "../../../compiler/schedule/simulate.js";

const pair = scheduleByName("gpipe", { devices: 2, microbatches: 3 });
const unit = uniformCosts(2);
const between = (transfer: Partial<Transfer>): Transfer[] => [
  { from: 0, to: 1, latencyMs: 0, forwardMs: 0, gradMs: 0, ...transfer },
];
const startsOf = (costs: Parameters<typeof simulate>[1], device: number) => [...simulate(pair, costs).startMs[device]!];

describe("links", () => {
  it("cost nothing by default", () => {
    expect(startsOf(unit, 1)).toEqual([1, 2, 3, 4, 6, 8]);
    expect(startsOf(unit, 0)).toEqual([0, 1, 2, 6, 8, 10]);
  });

  it("delay by their latency without queueing", () => {
    expect(startsOf({ ...unit, transfers: between({ latencyMs: 5 }) }, 1)).toEqual([6, 7, 8, 9, 11, 13]);
  });

  it("carry one message at a time", () => {
    expect(startsOf({ ...unit, transfers: between({ forwardMs: 3 }) }, 1)).toEqual([4, 7, 10, 11, 13, 15]);
  });

  it("carry both directions at once", () => {
    expect(startsOf({ ...unit, transfers: between({ forwardMs: 3, gradMs: 3 }) }, 0)).toEqual([0, 1, 2, 16, 19, 22]);
  });

  it("hold up the sender if sends block", () => {
    const costs = { ...unit, transfers: between({ forwardMs: 3 }), blockingSends: true };
    expect(startsOf(costs, 0).slice(0, 3)).toEqual([0, 4, 8]);
  });

  it("carry tensors that skip a stage past it", () => {
    const three = scheduleByName("gpipe", { devices: 3, microbatches: 1 });
    const transfers = [{ from: 0, to: 2, latencyMs: 10, forwardMs: 0, gradMs: 4 }];
    const { startMs } = simulate(three, { ...uniformCosts(3), transfers });
    expect(startMs.map((row) => [...row])).toEqual([
      [0, 28],
      [1, 14],
      [11, 12],
    ]);
  });

  it("cost nothing inside a device", () => {
    const zigzag = scheduleByName("zb-v", { devices: 2, microbatches: 4 });
    const slow = uniformLatency(4, 7).filter(({ from }) => from === 1);
    expect(simulate(zigzag, { ...uniformCosts(4), transfers: slow }).makespanMs).toBe(
      simulate(zigzag, uniformCosts(4)).makespanMs,
    );
  });
});

describe("overlapped pairs", () => {
  const schedule = scheduleByName("dualpipe-v", { devices: 2, microbatches: 6 });
  const at = (overlap?: number) =>
    simulate(schedule, { ...uniformCosts(4), ...(overlap !== undefined && { overlap }) });

  it("take F + B, or less by what they hide", () => {
    expect([at(0).busyMs[0], at(0.5).busyMs[0], at(1).busyMs[0]]).toEqual([36, 36 - 3.5, 36 - 7]);
    expect(schedule.pairs![0]).toHaveLength(7);
  });

  it("run one after the other unless an overlap is given", () => {
    expect(at().makespanMs).toBe(37);
    expect(at(0).makespanMs).toBe(38);
  });
});

describe("figures", () => {
  it("counts the bubble over the makespan and over the span", () => {
    const timeline = simulate(scheduleByName("zb-h2", { devices: 4, microbatches: 8 }), uniformCosts(4));
    expect(timeline).toMatchObject({ makespanMs: 27, spanMs: 24, spanBubble: 0, peakActivations: [7, 7, 7, 7] });
    expect(timeline.bubble).toBeCloseTo(3 / 27, 12);
  });

  it("keeps what W still needs after I", () => {
    const schedule = scheduleByName("zb-h1", { devices: 4, microbatches: 8 });
    const stash = { forward: [10, 10, 10, 10], weight: [4, 4, 4, 4] };
    expect(simulate(schedule, { ...uniformCosts(4), stash }).peakStash).toEqual([40, 34, 28, 22]);
  });

  it("refuses costs that do not fit", () => {
    expect(() => simulate(pair, uniformCosts(3))).toThrow(
      "schedule costs: forwardMs does not fit; got 3 numbers expected 2 finite numbers of at least 0. Give one number per stage.",
    );
    expect(() => simulate(pair, { ...unit, transfers: between({ to: 2 }) })).toThrow(/bad transfer; got stage 0 to 2/);
  });
});
