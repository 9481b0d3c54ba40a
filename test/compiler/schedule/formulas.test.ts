/**
 * @file Bubbles and peak activations of every schedule at F = I = W = 1 per stage, against the formulas of their papers,
 * for D in {2, 4, 8} and M in {4, 8, 16, 32} where the schedule and the formula allow. Bubbles in ms of one stage:
 * of the makespan (from a common start) and of the span (longest first start to last end of one device).
 */
import { describe, expect, it } from "vitest";
import { uniformCosts } from "../../../compiler/schedule/costs.js";
import { PipewrightError } from "../../../compiler/errors.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";
import { simulate } from "../../../compiler/schedule/simulate.js";

const SIZES = [2, 4, 8].flatMap((D) => [4, 8, 16, 32].map((M) => ({ D, M })));

interface Formula {
  readonly name: string;
  readonly stagesPerDevice?: number;
  /** Sizes for which the formula is meant. */
  readonly holds: (D: number, M: number) => boolean;
  readonly makespanBubble: (D: number) => number;
  /** Default: as the makespan's. */
  readonly spanBubble?: (D: number) => number;
  /** Stage activations of the device that keeps most. */
  readonly peak: (D: number, M: number) => number;
  readonly inputGradMs?: number;
  readonly weightGradMs?: number;
  readonly overlap?: number;
}

const enough = (D: number, M: number) => M >= D;
const always = () => true;
/** From the table for 4 and 8 devices, in device units of two stages; the least for 2 devices. */
const pick = (D: number, values: readonly [number, number, number]) => 2 * values[[2, 4, 8].indexOf(D)]!;

const FORMULAS: readonly Formula[] = [
  { name: "gpipe", holds: always, makespanBubble: (D) => 3 * (D - 1), peak: (_, M) => M },
  { name: "1f1b", holds: always, makespanBubble: (D) => 3 * (D - 1), peak: (D, M) => Math.min(M, D) },
  { name: "eager-1f1b", holds: always, makespanBubble: (D) => 3 * (D - 1), peak: (D, M) => Math.min(M, 2 * D - 1) },
  {
    name: "windowed-1f1b",
    holds: always,
    makespanBubble: (D) => 3 * (D - 1),
    peak: (D, M) => Math.min(M, D + 2, 2 * D - 1),
  },
  {
    name: "interleaved-1f1b",
    stagesPerDevice: 2,
    holds: enough,
    makespanBubble: (D) => 3 * (D - 1),
    peak: (D, M) => Math.min(2 * M, 2 * (D - 1) + D + 1),
  },
  {
    name: "interleaved-1f1b",
    stagesPerDevice: 4,
    holds: enough,
    makespanBubble: (D) => 3 * (D - 1),
    peak: (D, M) => Math.min(4 * M, 2 * (D - 1) + 3 * D + 1),
  },
  { name: "looped-bfs", stagesPerDevice: 2, holds: enough, makespanBubble: (D) => 3 * (D - 1), peak: (_, M) => 2 * M },
  { name: "zb-h1", holds: enough, makespanBubble: (D) => D - 1, peak: (D) => D },
  { name: "interleaved-zb", stagesPerDevice: 2, holds: enough, makespanBubble: (D) => D - 1, peak: (D) => 2 * D },
  {
    name: "zb-h2",
    holds: (D, M) => M >= 2 * D - 1,
    makespanBubble: (D) => D - 1,
    spanBubble: () => 0,
    peak: (D) => 2 * D - 1,
  },
  {
    name: "zb-v",
    holds: (D, M) => M >= 2 * D - 1,
    makespanBubble: (D) => D - 1,
    spanBubble: () => 0,
    peak: (D) => 2 * D,
  },
  {
    name: "v-half",
    holds: (D, M) => M >= 8 || D === 2,
    makespanBubble: (D) => pick(D, [0.5, 2.5, 8.5]),
    peak: (D) => 2 * Math.floor((D + 2) / 2),
  },
  {
    name: "v-min",
    holds: always,
    makespanBubble: (D) => pick(D, [1.5, 5.5, 13.5]),
    peak: (D) => 2 * Math.floor((D + 4) / 3),
  },
  { name: "1f1b-v", holds: enough, makespanBubble: (D) => pick(D, [2, 7.5, 16.5]), peak: (D) => pick(D, [2, 3, 6]) },
  { name: "dualpipe", overlap: 0, holds: always, makespanBubble: (D) => (D / 2 - 1) * (3 + 2 - 3), peak: (D) => D + 1 },
  { name: "dualpipe", holds: always, makespanBubble: (D) => D / 2 - 1, peak: (D) => D + 1 },
  {
    name: "dualpipe-v",
    overlap: 0,
    holds: always,
    makespanBubble: (D) => (D - 1) * (3 + 2 - 3),
    peak: (D) => 2 * D + 1,
  },
  { name: "dualpipe-v", holds: always, makespanBubble: (D) => D - 1, peak: (D) => 2 * D + 1 },
  { name: "chimera", inputGradMs: 0.5, weightGradMs: 0.5, holds: enough, makespanBubble: (D) => D - 2, peak: (D) => D },
  {
    name: "wave",
    stagesPerDevice: 2,
    holds: (D, M) => M >= 2 * D,
    makespanBubble: (D) => 3 * (D - 1),
    peak: (D) => 3 * D,
  },
];

describe.each(FORMULAS)("$name, $stagesPerDevice stages per device, overlap $overlap", (formula) => {
  const { name, stagesPerDevice, holds, makespanBubble, peak, overlap } = formula;
  const run = (D: number, M: number) => {
    try {
      const schedule = scheduleByName(name, {
        devices: D,
        microbatches: M,
        ...(stagesPerDevice && { stagesPerDevice }),
      });
      const costs = uniformCosts(schedule.stages, formula);
      return simulate(schedule, overlap === undefined ? costs : { ...costs, overlap });
    } catch (error) {
      if (error instanceof PipewrightError && error.code === "USAGE") return undefined;
      throw error;
    }
  };
  const timelines = SIZES.filter(({ D, M }) => holds(D, M)).flatMap(({ D, M }) => {
    const timeline = run(D, M);
    return timeline ? [{ D, M, timeline, work: Math.max(...timeline.busyMs) }] : [];
  });

  it("has sizes to check", () => {
    expect(timelines.length).toBeGreaterThanOrEqual(7);
  });

  it("bubble of the makespan", () => {
    for (const { D, M, timeline, work } of timelines)
      expect({ D, M, bubble: timeline.makespanMs - work }).toEqual({ D, M, bubble: makespanBubble(D) });
  });

  it("bubble of the span", () => {
    const spanBubble = formula.spanBubble ?? makespanBubble;
    for (const { D, M, timeline, work } of timelines)
      expect({ D, M, bubble: timeline.spanMs - work }).toEqual({ D, M, bubble: spanBubble(D) });
  });

  it("peak activations", () => {
    for (const { D, M, timeline } of timelines)
      expect({ D, M, peak: Math.max(...timeline.peakStash) }).toEqual({ D, M, peak: peak(D, M) });
  });
});
