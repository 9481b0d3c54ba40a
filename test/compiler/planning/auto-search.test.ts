/** @file The rounds of the outer search: how many candidates are placed, and when it gives up or ends. */
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../../compiler/errors.js";
import { partition as cutOf } from "../../../compiler/partition/partition.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import type { Attempt } from "../../../compiler/planning/attempt.js";
import { searchAll } from "../../../compiler/planning/auto-search.js";
import type { Candidate } from "../../../compiler/planning/candidate.js";
import type { PlaceOptions } from "../../../compiler/planning/place.js";
import { placeQuickly } from "../../../compiler/planning/place.js";
import { stepMs } from "../../../compiler/planning/placed.js";
import type { Sketch } from "../../../compiler/planning/sketch.js";
import { compileTiny, SGD, TINY_MLP, tinyCluster } from "../../support/tiny-models.js";

const { subject, placed } = await compileTiny(TINY_MLP, { schedule: "gpipe" });
const { cut, timeline } = placed.draft;

const infeasible = new PipewrightError("PLAN_INFEASIBLE", "partition: nothing fits; got a test. Expect it.");

const quick = (problem: PartitionProblem) => cutOf(problem, { method: "slicing", solver: undefined });

/** As many candidates with the same schedule, on the devices in one order and the other. */
const sketches = (count: number, own: Partial<Sketch> = {}): readonly Sketch[] =>
  Array.from({ length: count }, (_, at) => ({
    candidate: { schedule: "gpipe", stagesPerDevice: 1, recompute: "none", order: at % 2 ? [0, 1] : [1, 0] },
    makespanMs: timeline.makespanMs,
    neededBytes: 0,
    boundMs: 0,
    runsAgain: true,
    ...own,
  }));

async function searched(
  list: readonly Sketch[],
  partition: (problem: PartitionProblem, calls: number) => ReturnType<PlaceOptions["partition"]>,
  isTimeUp: (calls: number) => boolean = () => false,
) {
  const attempts: Attempt[] = [];
  let calls = 0;
  const found = await searchAll(
    subject,
    list,
    {
      cluster: tinyCluster(2),
      pipeline: { schedule: "auto", microbatches: 4 },
      optimizer: SGD,
      model: "direct",
      partition: (problem) => partition(problem, ++calls),
      isTimeUp: async () => isTimeUp(calls),
      onPass: () => undefined,
    },
    (attempt) => attempts.push(attempt),
  );
  const count = (status: Attempt["status"]): number => attempts.filter((own) => own.status === status).length;
  const plans = attempts.filter((attempt) => attempt.placed).length;
  return { ...found, attempts: attempts.length, plans, infeasible: count("infeasible"), pruned: count("pruned") };
}

describe("the outer search", () => {
  it("places the most promising candidates of each order of devices alone", async () => {
    const { best, attempts, plans, pruned } = await searched(sketches(9), async () => cut);
    expect(best).toBeDefined();
    expect([attempts, plans, pruned]).toEqual([9, 8, 1]);
    const [first] = sketches(1);
    const alike = Array.from({ length: 9 }, () => first!);
    const of = await searched(alike, async () => cut);
    expect([of.plans, of.pruned]).toEqual([4, 5]);
  });

  it("goes on after candidates that fail, until there are too many of them", async () => {
    const later = await searched(sketches(12), async (_, calls) => {
      if (calls === 1) return cut;
      throw infeasible;
    });
    expect([later.plans, later.infeasible, later.pruned]).toEqual([1, 8, 3]);
    const first = await searched(sketches(12), async (_, calls) => {
      if (calls < 12) throw infeasible;
      return cut;
    });
    expect([first.plans, first.infeasible, first.pruned]).toEqual([1, 11, 0]);
  });

  it("gives up after a few candidates that are unlikely to fit, and says why", async () => {
    const { best, failure, ...counts } = await searched(sketches(9, { makespanMs: Infinity }), async () => {
      throw infeasible;
    });
    expect(best).toBeUndefined();
    expect(failure).toBe(infeasible);
    expect([counts.infeasible, counts.pruned]).toEqual([6, 3]);
  });

  it("skips what its bound or its draft rules out", async () => {
    const slow = sketches(2, { makespanMs: 2 * timeline.makespanMs });
    const bound = sketches(2, { boundMs: 2 * timeline.makespanMs });
    const { plans, pruned } = await searched([...sketches(1), ...slow, ...bound], async () => cut);
    expect([plans, pruned]).toEqual([1, 4]);
  });

  it("ends with the first plan when time is up", async () => {
    const { best, plans, pruned } = await searched(
      sketches(5),
      async () => cut,
      () => true,
    );
    expect(best).toBeDefined();
    expect([plans, pruned]).toEqual([1, 4]);
  });

  it("searches the order of the best plan for longer, though only a quick cut of it fits", async () => {
    const { devices, link } = tinyCluster(2);
    const candidate: Candidate = { schedule: "search", stagesPerDevice: 1, recompute: "none", order: [0, 1] };
    const placing = {
      cluster: { link, devices: devices.map((device) => ({ ...device, memoryBytes: 1e9 })) },
      pipeline: { schedule: "auto", microbatches: 4 },
      optimizer: SGD,
      model: "direct" as const,
      partition: async () => {
        throw infeasible;
      },
      quick,
      isTimeUp: async () => false,
      onPass: () => undefined,
    };
    const brief = (await placeQuickly(subject, candidate, placing))!;
    const { best } = await searchAll(subject, sketches(1, { candidate }), placing, () => undefined);
    expect(best!.draft.cut.stageOf).toEqual(brief.draft.cut.stageOf);
    expect(best!.certificate).toEqual(brief.certificate);
    expect(stepMs(best!)).toBeLessThanOrEqual(stepMs(brief));
    expect(best!.draft.schedule).not.toEqual(brief.draft.schedule);
  });
});
