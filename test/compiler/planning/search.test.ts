/** @file The outer search: reproducible, cancellable, no worse than any candidate; and unlike clusters. */
import { describe, expect, it } from "vitest";
import type { ClusterSpec } from "../../../compiler/cluster.js";
import type { CompileOptions, Compiled } from "../../../compiler/compile.js";
import { compile } from "../../../compiler/compile.js";
import { mlpLesson } from "../../../models/lesson.js";
import type { PipewrightError } from "../../../compiler/errors.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { evaluate } from "../../../compiler/partition/evaluate.js";
import type { PipelineOptions, Recompute } from "../../../compiler/planning/candidate.js";
import { schedulesOf } from "../../../compiler/planning/candidate.js";
import { deviceOrders, recomputations, shapes } from "../../../compiler/planning/candidates.js";
import type { Attempt } from "../../../compiler/planning/attempt.js";
import { whyOf } from "../../../compiler/planning/why.js";
import { SGD, TIED_GPT, tinyCluster, TINY_MLP } from "../../support/tiny-models.js";

function planned(
  cluster: ClusterSpec,
  options: Partial<Pick<CompileOptions, "seed" | "onAttempt">> & {
    readonly schedule?: string;
    readonly pipeline?: Partial<PipelineOptions>;
    readonly partition?: Partial<CompileOptions["partition"]>;
    readonly model?: typeof TIED_GPT;
  } = {},
): Promise<Compiled> {
  const { schedule = "auto", pipeline, partition, model = TIED_GPT, ...rest } = options;
  return compile(
    { name: "tiny", digest: "", graph: model.built.graph, bind: {} },
    {
      ...rest,
      cluster,
      pipeline: { schedule, microbatches: 4, ...pipeline },
      training: { loss: [parseLoss(model.loss)] },
      optimizer: SGD,
      partition: { model: "direct", solver: undefined, ...partition },
      profile: "analytic",
    },
  );
}

const stepMs = ({ plan }: Compiled): number => plan.schedule.forecast.makespanMs;

const unlike = (speeds: readonly number[], link = tinyCluster(1).link): ClusterSpec => {
  const { devices } = tinyCluster(speeds.length);
  return { devices: devices.map((device, at) => ({ ...device, flopsPerMs: device.flopsPerMs * speeds[at]! })), link };
};

describe("auto", () => {
  it("gives the same plan twice, no slower than any schedule that it placed", async () => {
    const attempts: Attempt[] = [];
    const first = await planned(tinyCluster(2), { seed: 7, onAttempt: (attempt) => attempts.push(attempt) });
    const second = await planned(tinyCluster(2), { seed: 7 });
    expect(JSON.stringify(second.plan)).toBe(JSON.stringify(first.plan));
    const placed = attempts.filter(({ placed: plan }) => plan);
    expect(placed.length).toBeGreaterThan(1);
    for (const { makespanMs } of placed) expect(stepMs(first)).toBeLessThanOrEqual(makespanMs! * (1 + 1e-12));
    expect(new Set(attempts.map(({ candidate }) => candidate.stagesPerDevice)).size).toBeGreaterThan(1);
    expect(stepMs(first)).toBeLessThanOrEqual(stepMs(await planned(tinyCluster(2), { schedule: "1f1b" })));
  });

  it.each([1, 2])("searches orders with twice the memory, %i stages a device, unless memory is short", async (per) => {
    const pipeline = { stagesPerDevice: per, microbatches: 8 };
    const narrow = await planned(tinyCluster(2), { schedule: "search", pipeline });
    const roomy = await planned(tinyCluster(2), { schedule: "search-2x", pipeline });
    expect(stepMs(roomy)).toBeLessThanOrEqual(stepMs(narrow));
    const bytes = ({ plan }: Compiled): number => Math.max(...plan.schedule.forecast.peakBytes);
    expect(bytes(roomy)).toBeGreaterThan(bytes(narrow));
    const memoryBytes = bytes(narrow);
    const { devices, link } = tinyCluster(2);
    const small = { devices: devices.map((device) => ({ ...device, memoryBytes })), link };
    const fitting = await planned(small, { pipeline });
    expect(bytes(fitting)).toBeLessThanOrEqual(memoryBytes);
  });

  it("ends with a plan when it is cancelled at once", async () => {
    const attempts: Attempt[] = [];
    const { plan } = await planned(tinyCluster(2), {
      partition: { cancelled: () => true },
      onAttempt: (attempt) => attempts.push(attempt),
    });
    expect(plan.stages.length).toBeGreaterThanOrEqual(2);
    expect(attempts.filter(({ placed }) => placed)).toHaveLength(1);
  });

  const whole = new Map<number, number>();

  it.each([0, 1, 3, 10, 30, 100])("keeps the best plan so far when cancelled after %i pauses", async (after) => {
    const attempts: Attempt[] = [];
    let pauses = 0;
    const compiled = await planned(unlike([1, 0.5]), {
      model: TINY_MLP,
      partition: { cancelled: () => pauses > after, pause: async () => void pauses++ },
      onAttempt: (attempt) => attempts.push(attempt),
    });
    const placed = attempts.flatMap(({ placed: plan, makespanMs }) => (plan ? [makespanMs!] : []));
    expect(stepMs(compiled)).toBe(Math.min(...placed));
    for (const [fewer, ms] of whole) expect(stepMs(compiled)).toBeLessThanOrEqual(fewer < after ? ms : Infinity);
    whole.set(after, stepMs(compiled));
  });

  it.each([0, 5, 50])("ends soon after %i ticks of the clock, with a plan", async (timeLimitMs) => {
    let ticks = 0;
    const attempts: Attempt[] = [];
    const compiled = await planned(unlike([1, 0.5]), {
      model: TINY_MLP,
      partition: { timeLimitMs, nowMs: () => ticks++ },
      onAttempt: (attempt) => attempts.push(attempt),
    });
    const placed = attempts.filter(({ placed: plan }) => plan);
    expect(stepMs(compiled)).toBe(Math.min(...placed.map(({ makespanMs }) => makespanMs!)));
    if (timeLimitMs < 50) expect(placed).toHaveLength(1);
  });
});

describe("recomputation", () => {
  /** Its stash is much larger than what its programs take while they run. */
  const model = mlpLesson({ batch: 64, inputs: 8, widths: [8, 8, 8, 8], classes: 4 });
  const limited = (memoryBytes: number, recompute?: Recompute): Promise<Compiled> => {
    const { devices, link } = tinyCluster(2);
    const cluster = { devices: devices.map((device) => ({ ...device, memoryBytes })), link };
    const pipeline = { stagesPerDevice: 1, ...(recompute === undefined ? {} : { recompute }) };
    return planned(cluster, { model, pipeline, onAttempt: ({ candidate }) => void tried.add(candidate.recompute) });
  };
  const tried = new Set<Recompute>();
  const recomputed = ({ plan }: Compiled): number => plan.stages.reduce((sum, stage) => sum + stage.recomputed, 0);

  it("is searched where memory is limited, and chosen where nothing else fits", async () => {
    const refused = (await limited(1, "none").catch((error: unknown) => error)) as PipewrightError;
    const enough = Number(refused.details["smallestMemoryBytes"]);
    tried.clear();
    const tight = await limited(enough - 1);
    expect(recomputed(tight)).toBeGreaterThan(0);
    expect(tried).toEqual(new Set(["none", "auto"]));
    const roomy = await limited(10 * enough);
    expect(recomputed(roomy)).toBe(0);
    expect(stepMs(roomy)).toBeLessThan(stepMs(tight));
  });

  it("is left out where it is forbidden or memory is not limited", async () => {
    tried.clear();
    await limited(1e9, "none");
    expect(tried).toEqual(new Set(["none"]));
    expect(recomputations(tinyCluster(2), {})).toEqual(["none"]);
    expect(recomputations(tinyCluster(2), { recompute: "all" })).toEqual(["all"]);
  });
});

describe("unlike clusters", () => {
  it("get the same plan under other names", async () => {
    const cluster = unlike([1, 0.5]);
    const renamed = { ...cluster, devices: cluster.devices.map((device) => ({ ...device, name: `x-${device.name}` })) };
    const [a, b] = [await planned(cluster, { model: TINY_MLP }), await planned(renamed, { model: TINY_MLP })];
    expect(b.plan.rows).toEqual(a.plan.rows);
    expect(stepMs(b)).toBe(stepMs(a));
  });

  it("scale with the speed of everything", async () => {
    const slow = unlike([1, 0.5]);
    const { devices, link } = slow;
    const fast = {
      devices: devices.map((device) => ({
        ...device,
        flopsPerMs: 2 * device.flopsPerMs,
        memoryBytesPerMs: 2 * device.memoryBytesPerMs,
      })),
      link: { bytesPerMs: 2 * link.bytesPerMs, latencyMs: link.latencyMs / 2 },
    };
    const [a, b] = [await planned(slow, { model: TINY_MLP }), await planned(fast, { model: TINY_MLP })];
    expect(stepMs(b)).toBeCloseTo(stepMs(a) / 2, 9);
  });

  it("are no slower when a device becomes faster", async () => {
    const [a, b] = [await planned(unlike([0.5, 0.5])), await planned(unlike([0.5, 1]))];
    expect(stepMs(b)).toBeLessThanOrEqual(stepMs(a) * (1 + 1e-9));
  });

  it("have their devices put in a better order than the given one", async () => {
    const slowLink = { bytesPerMs: 1e3, latencyMs: 1 };
    const base = tinyCluster(3);
    const links = [0, 1].flatMap((at) => [
      { from: at, to: at + 1, ...slowLink },
      { from: at + 1, to: at, ...slowLink },
    ]);
    // 0-1 and 1-2 are slow, 0-2 is fast: 1 belongs at an end of the line.
    const { plan } = await planned({ ...base, links }, { schedule: "auto" });
    expect(plan.devices.map(({ name }) => name).indexOf("cpu1")).not.toBe(1);
  });

  it("count a slow way back only on the way back", async () => {
    const base = tinyCluster(2);
    const slow = { bytesPerMs: 1e3, latencyMs: 1 };
    const there = await planned({ ...base, links: [{ from: 0, to: 1, ...slow }] }, { schedule: "1f1b" });
    const both = await planned(
      {
        ...base,
        links: [
          { from: 0, to: 1, ...slow },
          { from: 1, to: 0, ...slow },
        ],
      },
      { schedule: "1f1b" },
    );
    expect(stepMs(await planned(base, { schedule: "1f1b" }))).toBeLessThan(stepMs(there));
    expect(stepMs(there)).toBeLessThan(stepMs(both));
  });
});

describe("candidates", () => {
  it("hold one schedule for one device, and several stages only where blocks suffice", () => {
    expect(shapes(1, 100, { schedule: "auto", microbatches: 4 })).toEqual([{ schedule: "1f1b" }]);
    const few = shapes(4, 12, { schedule: "auto", microbatches: 4 });
    expect(new Set(few.map(({ stagesPerDevice }) => stagesPerDevice))).toEqual(new Set([1]));
  });

  it("of one shape share a schedule, whatever their order and what runs again", () => {
    const scheduleOf = schedulesOf({ schedule: "auto", microbatches: 4, maxInFlight: 2 });
    const first = scheduleOf({ schedule: "1f1b", recompute: "none", order: [0, 1] });
    expect(scheduleOf({ schedule: "1f1b", recompute: "auto", order: [1, 0] })).toBe(first);
    expect(first.devices).toBe(2);
    expect(scheduleOf({ schedule: "1f1b", recompute: "none", order: [0] }).devices).toBe(1);
    expect(scheduleOf({ schedule: "zb-h1", recompute: "none", order: [0, 1] }).name).toBe("zb-h1");
    for (const order of [
      [0, 1],
      [1, 0],
    ])
      expect(() => scheduleOf({ schedule: "gpipe", recompute: "none", order })).toThrow("in flight");
  });

  it("count orders that differ in names alone once", () => {
    expect(deviceOrders(tinyCluster(4))).toHaveLength(1);
    expect(deviceOrders(unlike([1, 1, 0.5]))).toHaveLength(3);
  });
});

it("says why: the slowest device, its largest block, the cuts and what would help", async () => {
  const { subject, placed } = await planned(tinyCluster(2), { schedule: "1f1b" });
  const why = await whyOf(subject, placed, { schedule: "1f1b", microbatches: 4 });
  const { loadMs } = placed.draft.cut;
  expect(why.bottleneck.computeMs + why.bottleneck.communicationMs).toBeCloseTo(Math.max(...loadMs), 12);
  expect(why.block.ms).toBeLessThanOrEqual(why.bottleneck.computeMs);
  const { stageOf } = placed.draft.cut;
  const { index } = placed.problem.graph.blocks.find(({ name }) => name === why.move!.block)!;
  const moved = evaluate(placed.problem, stageOf.with(index, why.move!.toStage));
  expect(why.bottleneck.stages).toContain(stageOf[index]);
  expect(why.move!.bottleneckMs).toBe(moved.bottleneckMs);
  expect(why.cuts.length).toBeGreaterThan(0);
  expect(why.stepMs.now).toBe(placed.draft.timeline.makespanMs);
  expect(why.stepMs.oneMoreDevice).toBeLessThan(why.stepMs.now);
  expect(why.stepMs.linksTwiceAsFast).toBeLessThanOrEqual(why.stepMs.now);
  expect(why.stepMs.memoryWithoutLimit).toBeUndefined();
});

it("says what memory without a limit would bring, where a limit costs time", async () => {
  const options = { schedule: "1f1b", microbatches: 4 };
  const free = await planned(tinyCluster(2), options);
  const { link, devices } = tinyCluster(2);
  const memoryBytes = Math.max(...free.plan.schedule.forecast.peakBytes) - 1;
  const { subject, placed } = await planned(
    { link, devices: devices.map((device) => ({ ...device, memoryBytes })) },
    options,
  );
  const { stepMs: step } = await whyOf(subject, placed, options);
  expect(step.now).toBeGreaterThan(stepMs(free));
  expect(step.memoryWithoutLimit).toBeLessThan(step.now);
});
