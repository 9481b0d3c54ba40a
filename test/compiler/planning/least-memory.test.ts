/** @file The limit that a refusal names is the smallest: under it there is a plan, and under a byte less there is none. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClusterSpec } from "../../../compiler/cluster.js";
import { PipewrightError } from "../../../compiler/errors.js";
import { partition } from "../../../compiler/partition/partition.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { leastMemory, shapeSubject } from "../../../compiler/planning/least-memory.js";
import { memoryCandidates } from "../../../compiler/planning/memory-candidate.js";
import { arrange } from "../../../compiler/planning/place.js";
import type { Lesson } from "../../../models/lesson.js";
import { mlpLesson } from "../../../models/lesson.js";
import type { TinyOptions } from "../../support/tiny-models.js";
import { compileTiny, SGD, tinyCluster } from "../../support/tiny-models.js";

interface Refusal {
  readonly limits: readonly number[];
  readonly smallestMemoryBytes: number;
  readonly boundMemoryBytes: number;
  readonly proven: boolean;
}

const limited = (limits: readonly number[]): ClusterSpec => {
  const { devices, link } = tinyCluster(limits.length);
  return { devices: devices.map((device, at) => ({ ...device, memoryBytes: limits[at]! })), link };
};

/** What a plan holds under these limits, or why there is none. */
async function outcome(
  model: Lesson,
  options: TinyOptions,
  limits: readonly number[],
): Promise<readonly number[] | Refusal> {
  try {
    const { plan } = await compileTiny(model, { ...options, cluster: limited(limits) });
    return plan.schedule.forecast.peakBytes;
  } catch (error) {
    if (!(error instanceof PipewrightError) || error.code !== "PLAN_INFEASIBLE") throw error;
    return error.details as unknown as Refusal;
  }
}

async function refusal(model: Lesson, options: TinyOptions, limits: readonly number[]): Promise<Refusal> {
  const found = await outcome(model, options, limits);
  expect(Array.isArray(found)).toBe(false);
  return found as Refusal;
}

/** Both directions. @returns whether the smallest limit was proven to be that. */
async function expectSmallest(model: Lesson, options: TinyOptions, shares: readonly number[]): Promise<boolean> {
  const refused = await refusal(model, options, shares);
  const held = await outcome(model, options, refused.limits);
  expect(held).toHaveLength(shares.length);
  const sorted = [...refused.limits].sort((a, b) => a - b);
  [...(held as readonly number[])]
    .sort((a, b) => a - b)
    .forEach((bytes, at) => expect(bytes).toBeLessThanOrEqual(sorted[at]!));
  const less = refused.proven ? refused.limits : shares.map((share) => Math.ceil(share * refused.boundMemoryBytes));
  const again = await refusal(
    model,
    options,
    less.map((bytes) => bytes - 1),
  );
  if (new Set(shares).size === 1) expect(again.smallestMemoryBytes).toBe(refused.smallestMemoryBytes);
  return refused.proven;
}

const MODELS = fc
  .record({
    batch: fc.integer({ min: 1, max: 24 }),
    inputs: fc.integer({ min: 1, max: 12 }),
    widths: fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 2 }),
    classes: fc.integer({ min: 2, max: 5 }),
  })
  .map(mlpLesson);

const REQUESTS = fc.record({
  schedule: fc.constantFrom("1f1b", "gpipe", "zb-h1", "eager-1f1b", "search"),
  microbatches: fc.integer({ min: 2, max: 5 }),
});

describe("the limit that a refusal names", () => {
  it.each([
    ["none", 5],
    ["all", 5],
    ["auto", 3],
  ] as const)("is the smallest, for random models and schedules, with %s run again", async (recompute, numRuns) => {
    let proven = 0;
    await fc.assert(
      fc.asyncProperty(
        MODELS,
        REQUESTS,
        fc.constantFrom([1, 1], [1, 1, 1], [1, 2], [1, 3, 2]),
        async (model, options, shares) => {
          if (await expectSmallest(model, { ...options, recompute }, shares)) proven++;
        },
      ),
      { numRuns, seed: 11, endOnFailure: true },
    );
    // Where any set of blocks may run again, there are too many.
    if (recompute !== "auto") expect(proven).toBe(numRuns);
  });

  const small = mlpLesson({ batch: 4, inputs: 3, widths: [4], classes: 2 });

  it("is the smallest over all schedules", async () => {
    const options = { schedule: "auto", microbatches: 3 } as const;
    expect(await expectSmallest(small, { ...options, recompute: "none" }, [1, 1])).toBe(true);
    await expectSmallest(small, { ...options, recompute: "auto" }, [1, 1]);
  });

  it("is the smallest where the devices hold several copies of the model, if there are few plans", async () => {
    const options = { schedule: "chimera", microbatches: 4 } as const;
    expect(await expectSmallest(small, options, [1, 1])).toBe(true);
    const larger = mlpLesson({ batch: 4, inputs: 3, widths: [4, 5, 4], classes: 2 });
    expect((await refusal(larger, { ...options, recompute: "auto" }, [1, 1])).proven).toBe(false);
  });
});

it.each([
  ["1f1b", "none"],
  ["1f1b", "all"],
  ["interleaved-1f1b", "none"],
  ["zb-h1", "all"],
] as const)("bounds of memory rule out no plan that holds what they allow: %s, %s", async (schedule, recompute) => {
  const model = mlpLesson({ batch: 6, inputs: 3, widths: [4, 7], classes: 2 });
  for (const speed of [0.3, 1, 3]) {
    const { devices, link } = tinyCluster(2);
    const cluster = { devices: [devices[0]!, { ...devices[1]!, flopsPerMs: devices[1]!.flopsPerMs * speed }], link };
    const { subject, placed } = await compileTiny(model, { schedule, recompute, cluster });
    const candidate = { schedule, recompute, order: [0, 1] };
    const arranged = arrange(subject, candidate, {
      cluster,
      pipeline: { schedule, microbatches: 4 },
      model: "direct",
    });
    const [own] = await memoryCandidates(shapeSubject(subject, SGD), [arranged], {
      onWork: () => undefined,
      cancelled: () => false,
      pause: async () => undefined,
    });
    const held = Math.max(...placed.heldBytes);
    expect(own!.boundBytes(1)).toBeLessThanOrEqual(held);
    const seen = new Set<string>();
    const isWhole = await own!.space!.walk({
      limit: () => held,
      shares: [1, 1],
      visit: async ({ stageOf }) => void seen.add(stageOf.join()),
      isOver: async () => false,
    });
    expect(isWhole).toBe(true);
    expect(seen).toContain(placed.draft.cut.stageOf.join());
  }
});

describe("the search for the least memory", () => {
  const model = mlpLesson({ batch: 6, inputs: 8, widths: [6, 9, 7, 5, 8, 6], classes: 3 });
  const cluster = limited([1, 1]);

  async function prepared(isTimeUp: () => Promise<boolean>) {
    const { subject } = await compileTiny(model);
    const arranged = (["1f1b", "interleaved-1f1b"] as const).map((schedule, at) =>
      arrange(
        subject,
        { schedule, stagesPerDevice: at === 0 ? 1 : 5, recompute: "none", order: [0, 1] },
        { cluster, pipeline: { schedule, microbatches: 4 }, model: "direct" },
      ),
    );
    const quick = (problem: PartitionProblem) => partition(problem, { method: "slicing", solver: undefined });
    const options = { optimizer: SGD, quick, keeps: () => false, isTimeUp, place: async () => undefined };
    const floors = await memoryCandidates(shapeSubject(subject, SGD), arranged, {
      onWork: () => undefined,
      cancelled: () => false,
      pause: async () => undefined,
    });
    return { subject, arranged, options, floorBytes: floors.map((own) => own.boundBytes(1)) };
  }

  it("keeps the bounds of all candidates where one has too many cuts", async () => {
    const { subject, arranged, options, floorBytes } = await prepared(async () => false);
    const [one, many] = await Promise.all(arranged.map((own) => leastMemory(subject, [own], options)));
    expect(one!.boundBytes).toBe(one!.foundBytes);
    expect(many!.boundBytes).toBeLessThan(many!.foundBytes);
    const both = await leastMemory(subject, arranged, options);
    expect(both.foundBytes).toBeLessThanOrEqual(Math.min(one!.foundBytes, many!.foundBytes));
    expect(both.boundBytes).toBeGreaterThanOrEqual(Math.min(...floorBytes));
    expect(both.boundBytes).toBeGreaterThanOrEqual(Math.min(one!.boundBytes, Math.floor(floorBytes[1]!) + 1));
    expect(both.boundBytes).toBeLessThanOrEqual(both.foundBytes);
  });

  it.each([0, 3, 40])("ends when told to with a plan and a bound: after %i questions", async (questions) => {
    let asked = 0;
    const { subject, arranged, options } = await prepared(async () => asked++ >= questions);
    const { found, foundBytes, boundBytes } = await leastMemory(subject, arranged, options);
    expect(Math.max(...found!.heldBytes)).toBe(foundBytes);
    expect(boundBytes).toBeGreaterThan(1);
    expect(boundBytes).toBeLessThanOrEqual(foundBytes);
  });
});
