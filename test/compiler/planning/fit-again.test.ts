/** @file Plans in which something runs again because memory asks for it, and no more than that. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ClusterSpec } from "../../../compiler/cluster.js";
import { compile } from "../../../compiler/compile.js";
import { formatGraph } from "../../../compiler/ir/print.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import type { PartitionOptions } from "../../../compiler/partition/partition.js";
import { holdersOf } from "../../../compiler/planning/fit-memory.js";
import { countedOn } from "../../../compiler/planning/placed.js";
import { gptLesson } from "../../../models/lesson.js";
import { compileTiny, SGD, TINY_MLP, tinyCluster } from "../../support/tiny-models.js";

const GPT = gptLesson({ layers: 1, width: 16, heads: 2, sequence: 16, batch: 4, vocabulary: 16 });

const limited = (limits: readonly (number | undefined)[]): ClusterSpec => {
  const { devices, link } = tinyCluster(limits.length);
  return {
    devices: devices.map((device, at) => {
      const memoryBytes = limits[at];
      return memoryBytes === undefined ? device : { ...device, memoryBytes };
    }),
    link,
  };
};

/** Under 1f1b with 8 microbatches. */
async function planned(
  limits: readonly (number | undefined)[],
  recompute: "none" | "auto" | "all",
  options: Partial<PartitionOptions> = {},
) {
  const { graph } = GPT.built;
  const digest = createHash("sha256").update(formatGraph(graph)).digest("hex");
  const { plan, placed } = await compile(
    { name: graph.name, digest, graph, bind: {} },
    {
      cluster: limited(limits),
      pipeline: { schedule: "1f1b", microbatches: 8, recompute },
      training: { loss: [parseLoss(GPT.loss)] },
      optimizer: SGD,
      partition: { model: "direct", solver: undefined, ...options },
      profile: "analytic",
    },
  );
  const { peakBytes, makespanMs } = plan.schedule.forecast;
  return { peakBytes, makespanMs, placed, again: placed.draft.cut.again.length };
}

describe("a GPT on two devices", async () => {
  const [none, all] = [await planned([undefined, undefined], "none"), await planned([undefined, undefined], "all")];
  const [roomy, tight] = [Math.max(...none.peakBytes), Math.max(...all.peakBytes)];
  const between = Math.ceil(0.2 * roomy + 0.8 * tight);

  it("runs some of its forward passes again where none is too few and all too many", async () => {
    const { peakBytes, makespanMs, again } = await planned([between, between], "auto");
    expect(Math.max(...peakBytes)).toBeLessThanOrEqual(between);
    expect(again).toBeGreaterThan(0);
    expect(again).toBeLessThan(all.again);
    expect(makespanMs).toBeLessThan(all.makespanMs);
  });

  it("tells of limits that its plan keeps as the partitioner counts", async () => {
    const { placed } = await planned([undefined, between], "auto");
    const [first, last] = placed.problem.stages;
    expect(first!.memoryBytes).toBeUndefined();
    const counted = countedOn(placed.problem, placed.draft.cut.stageOf, [[0], [1]], 2);
    expect(counted[1]).toBeLessThanOrEqual(last!.memoryBytes!);
  });

  it.each(["pipedream", "smp"] as const)("is cut by %s and still fits with what runs again", async (method) => {
    const { peakBytes, placed } = await planned([between, between], "auto", { method });
    expect(Math.max(...peakBytes)).toBeLessThanOrEqual(between);
    expect(placed.draft.cut.solver).toBe(method);
  });

  it.each([
    [
      "auto",
      "with all forward passes running again. It knows no memory limits: use --method auto, or give more memory.",
    ],
    ["none", "or more. It knows no memory limits: use --method auto, or give more memory, or allow --recompute auto."],
  ] as const)(
    "is refused in terms of the plan if the cut of another method does not fit: %s",
    async (recompute, end) => {
      const { peakBytes } = recompute === "auto" ? all : none;
      const limit = 1000;
      const error = (await planned([undefined, limit], recompute, { method: "smp" }).catch(
        (own: unknown) => own,
      )) as Error;
      expect(error.message).toMatch(
        /^partition: the cut of smp does not fit into memory; got a limit of 1000 bytes on device cpu1,/,
      );
      expect(error.message.endsWith(end)).toBe(true);
      const [, held] = /expected (\d+)/.exec(error.message)!;
      expect(Number(held)).toBeGreaterThan(limit);
      expect(Number(held)).toBeLessThan(2 * Math.max(...peakBytes));
      const enough = await planned([undefined, Number(held)], recompute, { method: "smp" });
      expect(enough.peakBytes[1]).toBeLessThanOrEqual(Number(held));
    },
  );

  it("fits too when cancelled, and takes no longer when cancelled later", async () => {
    let before = Infinity;
    for (const after of [0, 10, 100]) {
      let pauses = 0;
      const { peakBytes, makespanMs } = await planned([between, between], "auto", {
        cancelled: () => pauses > after,
        pause: async () => void pauses++,
      });
      expect(Math.max(...peakBytes)).toBeLessThanOrEqual(between);
      expect(makespanMs).toBeLessThanOrEqual(before);
      before = makespanMs;
    }
  });

  it.each([0, 20])("ends within a time limit of %i ticks of the clock, with a plan that fits", async (timeLimitMs) => {
    let ticks = 0;
    const { peakBytes } = await planned([between, between], "auto", { timeLimitMs, nowMs: () => ticks++ });
    expect(Math.max(...peakBytes)).toBeLessThanOrEqual(between);
    const asked = ticks;
    ticks = 0;
    await planned([between, between], "auto", { timeLimitMs: Infinity, nowMs: () => ticks++ });
    expect(asked).toBeLessThan(ticks);
  });

  it("fits too when there is no time to look for better", async () => {
    const { peakBytes } = await planned([between, between], "auto", { cancelled: () => true });
    expect(Math.max(...peakBytes)).toBeLessThanOrEqual(between);
  });
});

it("counts all copies of the model on the devices that hold them", async () => {
  const { placed } = await compileTiny(TINY_MLP, { schedule: "chimera", microbatches: 4 });
  const { stageOf } = placed.draft.cut;
  const holders = holdersOf(placed.draft.schedule);
  expect(holders).toEqual([
    [0, 1],
    [1, 0],
  ]);
  const one = countedOn(placed.problem, stageOf, [[0], [1]], 2);
  const sum = one[0]! + one[1]!;
  expect(countedOn(placed.problem, stageOf, holders, 2)).toEqual([sum, sum]);
});
