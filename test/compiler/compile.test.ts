/** @file The compiler as a whole: same input, same plan, byte for byte; and what it says when there is no plan. */
import { describe, expect, it } from "vitest";
import { SCHEDULES } from "../../compiler/schedule/registry.js";
import type { TinyOptions } from "../support/tiny-models.js";
import { compileTiny, TIED_GPT, tinyCluster, TINY_MLP, TINY_RESNET } from "../support/tiny-models.js";

async function failure(options: TinyOptions): Promise<string> {
  try {
    await compileTiny(TINY_MLP, options);
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
}

describe("equal input", () => {
  it.each([
    ["mlp", TINY_MLP],
    ["gpt", TIED_GPT],
    ["resnet", TINY_RESNET],
  ])("gives equal plans and files: %s", async (_, model) => {
    const options = { devices: 2, schedule: "zb-h1" };
    const [first, second] = [await compileTiny(model, options), await compileTiny(model, options)];
    expect(JSON.stringify(first.plan)).toBe(JSON.stringify(second.plan));
    expect([...first.programs]).toEqual([...second.programs]);
    expect(first.csv).toBe(second.csv);
  });
});

describe("a plan", () => {
  it.each(SCHEDULES.map(({ name }) => name))(
    "under %s has every action once and a forecast within its bounds",
    async (schedule) => {
      const { plan } = await compileTiny(TINY_MLP, { devices: 2, schedule });
      const actions = plan.rows.flat().map(({ stage, phase, microbatch }) => `${stage}${phase}${microbatch}`);
      expect(new Set(actions).size).toBe(actions.length);
      expect(actions.filter((action) => action.includes("F"))).toHaveLength(
        (plan.stages.length / (plan.schedule.copies ?? 1)) * plan.microbatches,
      );
      const { boundMs, makespanMs, gap, peakActivations } = plan.schedule.forecast;
      expect(boundMs).toBeLessThanOrEqual(makespanMs);
      expect(gap).toBeCloseTo(1 - boundMs / makespanMs, 9);
      expect(peakActivations).toHaveLength(plan.stages.length);
      const { certificate } = plan.partition;
      expect(certificate.boundMs).toBeLessThanOrEqual(certificate.bottleneckMs);
    },
  );

  it.each([1, 2])(
    "with a searched order is no slower than the schedule that the cut was made for, %i a device",
    async (stagesPerDevice) => {
      const size = { devices: 3, microbatches: 6, stagesPerDevice };
      const base = await compileTiny(TINY_MLP, { ...size, schedule: stagesPerDevice === 1 ? "zb-h1" : "zb-v" });
      const { plan } = await compileTiny(TINY_MLP, { ...size, schedule: "search" });
      expect(plan.stages.map(({ device }) => device)).toEqual(base.plan.stages.map(({ device }) => device));
      expect(plan.schedule.forecast.makespanMs).toBeLessThanOrEqual(base.plan.schedule.forecast.makespanMs);
    },
  );

  it("holds no digest of its own, no path and no time of day", async () => {
    const { plan } = await compileTiny(TINY_MLP);
    const text = JSON.stringify(plan);
    expect(text).not.toMatch(/"\/|\d{4}-\d\d-\d\d|files/);
  });
});

describe("without a plan", () => {
  it("says so when there are more stages than blocks", async () => {
    expect(await failure({ devices: 40, microbatches: 1, schedule: "gpipe" })).toMatchInlineSnapshot(
      `"partition: too few blocks; got 15 blocks for 40 stages. Use fewer stages."`,
    );
  });

  it("names the smallest memory that would do", async () => {
    const { devices, link } = tinyCluster(2);
    const cluster = { devices: devices.map((device) => ({ ...device, memoryBytes: 300 })), link };
    expect(await failure({ cluster })).toMatchInlineSnapshot(
      `"partition: no plan fits into memory; got a limit of 300 bytes on a device, expected 3004 or more: the smallest limit that any plan keeps. Give more memory, more devices or fewer microbatches in flight, or allow --recompute auto."`,
    );
  });

  it("names the schedules when one is unknown, and the closest", async () => {
    const message = await failure({ schedule: "zbh1x" });
    expect(message).toMatch(
      /^schedule: unknown name; got "zbh1x" expected one of gpipe, 1f1b, .*zb-h1, .*\. Did you mean zb-h1\?$/,
    );
  });

  it("lists the outputs when the loss names another", async () => {
    expect(await failure({ loss: "mse:logit=target" })).toMatchInlineSnapshot(
      `"loss: the model has no output logit; it has logits float32[2,2]. Did you mean logits?"`,
    );
  });
});
