/** @file Memory limits: finished plans keep them, refusals name memory that does, bounds stay bounds. */
import { describe, expect, it } from "vitest";
import type { ClusterSpec } from "../../../compiler/cluster.js";
import { PipewrightError } from "../../../compiler/errors.js";
import { gptLesson, mlpLesson } from "../../../models/lesson.js";
import type { Recompute } from "../../../compiler/planning/candidate.js";
import type { Plan } from "../../../compiler/plan/plan.js";
import { compileTiny, tinyCluster, TINY_MLP, TINY_RESNET } from "../../support/tiny-models.js";

const withMemory = (memoryBytes: number): ClusterSpec => {
  const { devices, link } = tinyCluster(2);
  return { devices: devices.map((device) => ({ ...device, memoryBytes })), link };
};

const heldBytes = ({ schedule }: Omit<Plan, "files">): readonly number[] => schedule.forecast.peakBytes;

describe.each([
  ["an MLP", TINY_MLP, ["gpipe", "1f1b", "zb-h1", "interleaved-1f1b"]],
  ["a ResNet", TINY_RESNET, ["1f1b"]],
] as const)("%s", (_, model, schedules) => {
  it.each(schedules)("under %s keeps the limit that a refusal names", async (schedule) => {
    const compiled = (memoryBytes: number) =>
      compileTiny(model, { schedule, microbatches: 8, cluster: withMemory(memoryBytes) });
    const refusal: unknown = await compiled(1).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(PipewrightError);
    expect((refusal as PipewrightError).code).toBe("PLAN_INFEASIBLE");
    const enough = (refusal as PipewrightError).details["smallestMemoryBytes"] as number;
    const free = await compileTiny(model, { schedule, microbatches: 8 });
    for (const limit of [enough, Math.ceil(1.2 * enough), 2 * enough]) {
      const { plan } = await compiled(limit);
      for (const bytes of heldBytes(plan)) expect(bytes).toBeLessThanOrEqual(limit);
      const { boundMs, bottleneckMs } = plan.partition.certificate;
      expect(boundMs).toBeLessThanOrEqual(bottleneckMs);
      expect(bottleneckMs).toBeGreaterThanOrEqual(free.plan.partition.certificate.boundMs * (1 - 1e-9));
    }
  });
});

it("limits only the devices that have a limit", async () => {
  const { devices, link } = tinyCluster(2);
  const [first, second] = devices;
  const cluster = { devices: [{ ...first!, memoryBytes: 3004 }, second!], link };
  const { plan } = await compileTiny(TINY_MLP, { cluster });
  expect(heldBytes(plan)[0]).toBeLessThanOrEqual(3004);
});

/** Its stash is much larger than what its programs take while they run. */
const WIDE_MLP = mlpLesson({ batch: 64, inputs: 8, widths: [8, 8, 8, 8], classes: 4 });

it("needs less when forward passes run again, and pays for no more than it needs", async () => {
  const compiled = (memoryBytes: number | undefined, recompute: Recompute) =>
    compileTiny(WIDE_MLP, {
      schedule: "gpipe",
      microbatches: 8,
      devices: 2,
      recompute,
      ...(memoryBytes === undefined ? {} : { cluster: withMemory(memoryBytes) }),
    });
  const refusal = (recompute: Recompute) =>
    compiled(1, recompute).then(
      () => expect.fail("one byte does"),
      (error: unknown) => (error as PipewrightError).details["smallestMemoryBytes"] as number,
    );
  const [plain, less] = [await refusal("none"), await refusal("auto")];
  expect(less).toBeLessThan(plain);
  const recomputed = ({ stages }: Omit<Plan, "files">) => stages.reduce((sum, stage) => sum + stage.recomputed, 0);
  expect(recomputed((await compiled(undefined, "auto")).plan)).toBe(0);
  const { plan } = await compiled(less, "auto");
  expect(Math.max(...heldBytes(plan))).toBeLessThanOrEqual(less);
  expect(recomputed(plan)).toBeGreaterThan(0);
  expect(recomputed(plan)).toBeLessThan(plan.stages.reduce((sum, { nodes }) => sum + nodes, 0));
});

/** Its workspace is as large as what it stashes, and its last stage keeps one microbatch. */
const SMALL_GPT = gptLesson({ layers: 1, width: 16, heads: 2, sequence: 16, batch: 4, vocabulary: 16 });

it("fits with what it chooses to run again wherever all or nothing does, and is no slower with more memory", async () => {
  const compiled = (memoryBytes: number, recompute: Recompute) =>
    compileTiny(SMALL_GPT, { microbatches: 8, recompute, cluster: withMemory(memoryBytes) });
  const enough = (recompute: Recompute) =>
    compiled(1, recompute).then(
      () => expect.fail("one byte does"),
      (error: unknown) => (error as PipewrightError).details["smallestMemoryBytes"] as number,
    );
  const [none, all] = [await enough("none"), await enough("all")];
  expect(all).toBeLessThan(none);
  const times: number[] = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const limit = Math.ceil(all + share * (none - all));
    const { plan } = await compiled(limit, "auto");
    expect(Math.max(...heldBytes(plan))).toBeLessThanOrEqual(limit);
    times.push(plan.schedule.forecast.makespanMs);
  }
  expect(times.toSorted((a, b) => b - a)).toEqual(times);
  expect(times.at(-1)).toBeLessThan(times[0]!);
});
