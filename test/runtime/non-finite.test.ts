/** @file A loss that is not finite: where it comes from is found, and nothing is trained on it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeEnv } from "../../runtime/env/node.js";
import { firstNotFinite } from "../../runtime/non-finite.js";
import { planAt, trainTo } from "../support/resuming.js";
import { SGD, TINY_MLP } from "../support/tiny-models.js";
import type { TinyPlan } from "../support/training.js";

const env = nodeEnv();
let folder: string;
let tiny: TinyPlan;
beforeAll(async () => {
  folder = await env.files.temporaryDirectory();
  tiny = await planAt(env, `${folder}/plan`, TINY_MLP, { devices: 2 });
});
afterAll(() => env.files.remove(folder));

/** The plan's data with one float input set to `value` from `step` on (counted from 0), in microbatch 1. */
function poisoned({ dataset, ...rest }: TinyPlan, step: number, value: number): TinyPlan {
  const feeds: TinyPlan["dataset"]["feeds"] = async (at, microbatch) => {
    const clean = await dataset.feeds(at, microbatch);
    if (at < step || microbatch !== 1) return clean;
    const x = new Float32Array(clean.get("x")!.slice().buffer);
    x[2] = value;
    return new Map([...clean, ["x", new Uint8Array(x.buffer)]]);
  };
  return { ...rest, dataset: { ...dataset, feeds } };
}

describe("a loss that is not finite", () => {
  it("is traced to the data", async () => {
    await expect(trainTo(env, poisoned(tiny, 2, NaN), { steps: 4 })).rejects.toMatchObject({
      code: "LOSS_NOT_FINITE",
      exitCode: 10,
      details: { step: 3, microbatch: 1, tensor: "x", stage: 0 },
    });
  });

  it("is traced to the node that made it of finite inputs", async () => {
    const { built } = TINY_MLP;
    const weights = new Map([...built.weights].map(([name, values]) => [name, values.map((value) => value * 1e30)]));
    const steep = await planAt(env, `${folder}/steep`, { ...TINY_MLP, built: { ...built, weights } }, { devices: 2 });
    const error = await trainTo(env, steep, { steps: 4 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "LOSS_NOT_FINITE", details: { step: 1, microbatch: 0 } });
    expect((error as Error).message).toMatch(
      /the first (-?Infinity|NaN) is in ".+" of stage \d, which MatMul \(node ".+"\) /,
    );
  });

  it("is traced to parameters that an update broke", async () => {
    const optimizer = { ...SGD, learningRate: 1e38 };
    const wild = await planAt(env, `${folder}/wild`, TINY_MLP, { devices: 2, optimizer });
    const error = await trainTo(env, wild, { steps: 9 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "LOSS_NOT_FINITE" });
    expect((error as Error).message).toMatch(/of stage \d, which (the update of step \d made so|\w+ \(node)/);
  });

  it("updates nothing, on any device, so that the checkpoint before it is what training continues from", async () => {
    const kept = { directory: `${folder}/kept`, every: 2, keep: 2 };
    const run = trainTo(env, poisoned(tiny, 3, NaN), { steps: 6, checkpoints: kept, mode: "process" });
    await expect(run).rejects.toMatchObject({ code: "LOSS_NOT_FINITE", details: { step: 4, tensor: "x" } });
    const healed = await trainTo(env, tiny, { steps: 6, checkpoints: { ...kept, resume: "auto" } });
    expect(healed.digest).toBe((await trainTo(env, tiny, { steps: 6 })).digest);
  });
});

describe("firstNotFinite", () => {
  it.each([
    ["float32", Float32Array.of(1, -Infinity, NaN), -Infinity],
    ["float64", Float64Array.of(1, NaN), NaN],
    ["float16", Uint16Array.of(0x3c00, 0x7c00), Infinity],
    ["float16", Uint16Array.of(0x7bff, 0xfe00), NaN],
    ["bfloat16", Uint16Array.of(0x3f80, 0xff80), -Infinity],
    ["bfloat16", Uint16Array.of(0x7f7f), undefined],
    ["float32", Float32Array.of(1, 3.4e38), undefined],
    ["int64", BigInt64Array.of(-1n), undefined],
  ] as const)("in %s", (dtype, elements, expected) => {
    expect(firstNotFinite(dtype, new Uint8Array(elements.buffer))).toBe(expected);
  });
});
