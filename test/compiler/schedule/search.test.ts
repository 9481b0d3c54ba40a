/** @file The bound never above the optimum, the search never below it, and both as good as promised on the study's cases. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makespanBound } from "../../../compiler/schedule/bound.js";
import { checkSchedule } from "../../../compiler/schedule/check.js";
import { uniformCosts, uniformLatency } from "../../../compiler/schedule/costs.js";
import { PipewrightError } from "../../../compiler/errors.js";
import { peakStash } from "../../../compiler/schedule/in-flight.js";
import { jacksonBound } from "../../../compiler/schedule/jackson.js";
import type { SchedulingProblem } from "../../../compiler/schedule/problem.js";
import { searchSchedule } from "../../../compiler/schedule/search.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { loopedPlacement, wavePlacement } from "../../../compiler/schedule/size.js";
import { shortestMakespan } from "./exhaustive.js";

const ms = fc.integer({ min: 1, max: 9 });

/** Random costs, links, stash and memory on a given placement. */
function problems(
  shape: Pick<SchedulingProblem, "devices" | "microbatches" | "placement" | "replicas"> & { split?: boolean },
) {
  const { devices, microbatches, placement, replicas = 1 } = shape;
  const perReplica = placement.length / replicas;
  const times = fc.array(ms, { minLength: placement.length, maxLength: placement.length });
  const stagesPerDevice = placement.length / devices;
  return fc
    .record({
      forwardMs: times,
      inputGradMs: times,
      weightGradMs: times,
      latencyMs: fc.nat(5),
      wireMs: fc.nat(3),
      late: fc.constantFrom(0.25, 0.5, 1),
      room: fc.integer({ min: 1, max: microbatches }),
    })
    .map(({ latencyMs, wireMs, late, room, ...costs }): SchedulingProblem => {
      const transfers = uniformLatency(placement.length, latencyMs)
        .filter(({ to }) => to % perReplica !== 0)
        .map((t) => ({ ...t, forwardMs: wireMs, gradMs: wireMs }));
      const stash = { forward: placement.map(() => 1), weight: placement.map(() => late) };
      return {
        ...shape,
        costs: { ...costs, transfers, stash },
        capacity: new Array<number>(devices).fill(room * stagesPerDevice),
      };
    });
}

const SHAPES = [
  {
    name: "2 copies in opposite directions, 1 microbatch each",
    devices: 2,
    microbatches: 1,
    placement: [0, 1, 1, 0],
    replicas: 2,
    inMicrobatchOrder: false,
    runs: 15,
  },
  {
    name: "2 stages, 2 microbatches",
    devices: 2,
    microbatches: 2,
    placement: [0, 1],
    inMicrobatchOrder: false,
    runs: 15,
  },
  {
    name: "3 stages, 2 microbatches",
    devices: 3,
    microbatches: 2,
    placement: [0, 1, 2],
    inMicrobatchOrder: true,
    runs: 15,
  },
  {
    name: "2 stages, 3 microbatches",
    devices: 2,
    microbatches: 3,
    placement: [0, 1],
    inMicrobatchOrder: true,
    runs: 6,
  },
  {
    name: "V of whole backwards",
    devices: 2,
    microbatches: 2,
    placement: [0, 1, 1, 0],
    split: false,
    inMicrobatchOrder: true,
    runs: 3,
  },
  { name: "one device, two stages", devices: 1, microbatches: 2, placement: [0, 0], inMicrobatchOrder: true, runs: 5 },
];

describe.each(SHAPES)("$name", ({ name, inMicrobatchOrder, runs, ...shape }) => {
  it("has bound ≤ optimum ≤ search", () => {
    fc.assert(
      fc.property(problems(shape), (problem) => {
        const optimum = shortestMakespan(problem, { inMicrobatchOrder });
        const boundMs = makespanBound(problem);
        const found = searchSchedule(problem, { evaluations: 2_000 });
        expect(boundMs).toBeLessThanOrEqual(optimum + 1e-9);
        expect(found.makespanMs).toBeGreaterThanOrEqual(optimum - 1e-9);
        expect(found.boundMs).toBe(boundMs);
      }),
      { seed: name.length, numRuns: runs },
    );
  });
});

it("orders of microbatches do not matter to the optimum", () => {
  fc.assert(
    fc.property(problems({ devices: 2, microbatches: 2, placement: [0, 1] }), (problem) => {
      expect(shortestMakespan(problem, { inMicrobatchOrder: true })).toBe(
        shortestMakespan(problem, { inMicrobatchOrder: false }),
      );
    }),
    { seed: 5, numRuns: 15 },
  );
});

it("Jackson's rule gives the optimum of one interruptible machine", () => {
  const of = (...jobs: [number, number, number][]) =>
    jacksonBound(
      ...([0, 1, 2].map((k) => Float64Array.from(jobs, (job) => job[k]!)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ]),
    );
  expect(of([0, 5, 0], [2, 2, 9])).toBe(13);
  expect(of([0, 4, 1], [1, 1, 8], [3, 2, 4])).toBe(10);
  expect(of([10, 1, 0])).toBe(11);
});

interface SearchCase {
  readonly name: string;
  readonly placement: "linear" | "looped" | "wave";
  readonly devices: number;
  readonly microbatches: number;
  readonly forwardMs: readonly number[];
  readonly latencyMs: number;
  readonly capacity: number;
  readonly published: {
    readonly search?: number;
    readonly optimum?: number;
    readonly bound?: number;
    readonly template?: number;
  };
}

const file = new URL("../../../fixtures/reference/schedules/search-cases.json", import.meta.url);
const { cases, inputGradShare, weightGradShare } = JSON.parse(readFileSync(file, "utf8")) as {
  cases: SearchCase[];
  inputGradShare: number;
  weightGradShare: number;
};

function problemOf({
  placement,
  devices,
  microbatches,
  forwardMs,
  latencyMs,
  capacity,
}: SearchCase): SchedulingProblem {
  const stagesPerDevice = forwardMs.length / devices;
  return {
    devices,
    microbatches,
    placement:
      placement === "wave" ? wavePlacement(devices, stagesPerDevice) : loopedPlacement(devices, stagesPerDevice),
    capacity: new Array<number>(devices).fill(capacity),
    costs: {
      forwardMs,
      inputGradMs: forwardMs.map((f) => inputGradShare * f),
      weightGradMs: forwardMs.map((f) => weightGradShare * f),
      transfers: uniformLatency(forwardMs.length, latencyMs),
    },
  };
}

describe("the study's cases", () => {
  it.each(cases)("$name: at or below the published search, at most 3 % above the bound or as published", (known) => {
    const problem = problemOf(known);
    const found = searchSchedule(problem, { seed: 1, evaluations: 60_000 });
    const { published } = known;
    checkSchedule(found.schedule);
    expect(simulate(found.schedule, problem.costs).makespanMs).toBeCloseTo(found.makespanMs, 9);
    for (const peak of peakStash(found.schedule)) expect(peak).toBeLessThanOrEqual(known.capacity);
    expect(found.makespanMs).toBeLessThanOrEqual((published.search ?? published.optimum ?? Infinity) + 1e-9);
    expect(found.boundMs).toBeGreaterThanOrEqual((published.bound ?? 0) - 1e-9);
    expect(found.boundMs).toBeLessThanOrEqual((published.optimum ?? Infinity) + 1e-9);
    const { search = 0, bound = Infinity } = published;
    expect(found.makespanMs / found.boundMs - 1).toBeLessThanOrEqual(Math.max(0.03, search / bound - 1));
    expect(found.gap).toBeCloseTo((found.makespanMs - found.boundMs) / found.makespanMs, 12);
    if (published.template !== undefined)
      expect(found.template?.makespanMs.toFixed(3)).toBe(published.template.toFixed(3));
  });

  it("gives the same schedule for the same seed", () => {
    const problem = problemOf(cases[2]!);
    const [a, b] = [1, 2].map(() => searchSchedule(problem, { seed: 7, evaluations: 10_000 }));
    expect(a).toEqual(b);
  });

  it("stops when time is up, with what it has", () => {
    let asked = 0;
    const found = searchSchedule(problemOf(cases[2]!), { isTimeUp: () => ++asked > 210 });
    expect(found.evaluations).toBeLessThan(5_000);
    checkSchedule(found.schedule);
  });
});

it("refuses transfers between copies of the model, which exchange nothing", () => {
  const placement = [0, 1, 1, 0];
  const costs = { ...uniformCosts(4), transfers: uniformLatency(4, 1) };
  expect(() => makespanBound({ devices: 2, microbatches: 1, placement, replicas: 2, costs })).toThrow(
    "scheduling problem: a transfer leaves its copy of the model; got stage 1 to 2 expected stages of one copy of 2. Correct the problem.",
  );
});

it("refuses memory that holds no microbatch", () => {
  const problem = { ...problemOf(cases[1]!), capacity: [4, 4, 0.5, 4] };
  expect(() => searchSchedule(problem)).toThrow(PipewrightError);
  expect(() => searchSchedule(problem)).toThrow(
    "device 2: one microbatch does not fit; got capacity 0.5 expected at least 1 for its first 1 stages. Give it more memory or fewer stages.",
  );
});
