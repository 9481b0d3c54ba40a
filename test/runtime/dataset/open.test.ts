import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FeedSpec } from "../../../runtime/dataset/dataset.js";
import { microbatchesOf } from "../../../runtime/dataset/dataset.js";
import { openDataset } from "../../../runtime/dataset/open.js";
import { arraysDataset } from "../../../runtime/dataset/arrays.js";
import type { Files } from "../../../runtime/env/env.js";

const bytesOf = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../fixtures/reference/dataset/${name}`, import.meta.url)));
const files = {
  read: async (path: string) => bytesOf(path),
  size: async (path: string) => bytesOf(path).length,
} as unknown as Files;
const options = { files, seed: 1, shuffle: true, microbatches: 2 };
const INPUTS: readonly FeedSpec[] = [
  { name: "x", dtype: "float32", shape: [3, 2], batchAxis: 0 },
  { name: "labels", dtype: "int64", shape: [3], batchAxis: 0 },
];

const open = (source: string, inputs = INPUTS, shuffle = true) => openDataset(source, inputs, { ...options, shuffle });
const int64s = (bytes: Uint8Array) => [...new BigInt64Array(Uint8Array.from(bytes).buffer)].map(Number);
const float32s = (bytes: Uint8Array) => [...new Float32Array(Uint8Array.from(bytes).buffer)];

describe("openDataset", () => {
  it("reads files in order without shuffling and goes on with the next epoch", async () => {
    const dataset = await open("stored.npz", INPUTS, false);
    expect([dataset.samples, dataset.about]).toEqual([10, "10 samples from stored.npz"]);
    expect(int64s((await dataset.feeds(0, 0)).get("labels")!)).toEqual([0, 1, 2]);
    expect(float32s((await dataset.feeds(1, 1)).get("x")!)).toEqual([4.5, 4.75, 0, 0.25, 0.5, 0.75]);
  });

  it("shuffles so that x and labels stay together and each sample comes once per epoch", async () => {
    const dataset = await open("deflated.npz");
    const seen: number[] = [];
    for await (const { feeds } of microbatchesOf(dataset, 2, 0, 5)) {
      const x = float32s(feeds.get("x")!);
      for (const [at, label] of int64s(feeds.get("labels")!).entries()) {
        const sample = x[2 * at]! * 2;
        expect(sample % 3).toBe(label);
        seen.push(sample);
      }
    }
    const sorted = (part: number[]) => [...part].sort((a, b) => a - b);
    for (const epoch of [0, 1, 2]) {
      expect(sorted(seen.slice(10 * epoch, 10 * epoch + 10))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    expect(seen.slice(0, 10)).not.toEqual(seen.slice(10, 20));
  });

  const size = (max: number) => fc.integer({ min: 1, max });

  it("gives every sample once per epoch, whatever the sizes and the seed", async () => {
    await fc.assert(
      fc.asyncProperty(
        size(40),
        size(7),
        size(5),
        fc.nat(),
        fc.boolean(),
        async (samples, batch, steps, seed, shuffle) => {
          const bytes = new Uint8Array(Float32Array.from({ length: samples }, (_, at) => at).buffer);
          const arrays = new Map([["x", { dtype: "float32" as const, shape: [samples], bytes }]]);
          const dataset = arraysDataset([{ name: "x", dtype: "float32", shape: [batch], batchAxis: 0 }], arrays, {
            seed,
            shuffle,
            microbatches: 2,
            source: "x.npy",
          });
          const seen: number[] = [];
          for await (const { feeds } of microbatchesOf(dataset, 2, 0, steps)) seen.push(...float32s(feeds.get("x")!));
          expect(seen).toHaveLength(2 * steps * batch);
          for (let start = 0; start < seen.length; start += samples) {
            const epoch = seen.slice(start, start + samples);
            expect(new Set(epoch).size).toBe(epoch.length);
            if (!shuffle) expect(epoch).toEqual(epoch.map((_, at) => at));
          }
        },
      ),
    );
  });

  it("gives the same microbatch in any order of calls", async () => {
    const [one, other] = [await open("stored.npz"), await open("stored.npz")];
    const late = await one.feeds(7, 1);
    for (let step = 0; step < 7; step++) await other.feeds(step, 0);
    expect(late).toEqual(await other.feeds(7, 1));
  });

  it("makes random samples that depend on the place only", async () => {
    const dataset = await open("synthetic:labels=5");
    const labels = int64s((await dataset.feeds(0, 0)).get("labels")!);
    expect(labels.every((label) => label >= 0 && label < 5)).toBe(true);
    expect(await dataset.feeds(3, 1)).toEqual(await (await open("synthetic:labels=5")).feeds(3, 1));
    expect(await dataset.feeds(3, 1)).not.toEqual(await dataset.feeds(3, 0));
  });

  it.each([
    [
      "table.feather",
      "--data table.feather: unknown kind of file; expected synthetic or a file that ends in npy, npz, safetensors, csv, parquet, idx, ubyte.",
    ],
    ["synthetic:lables=3", '--data synthetic: no input is called "lables"; got inputs x, labels. Did you mean labels?'],
    ["synthetic:labels", '--data synthetic: cannot read "labels"; expected NAME=CLASSES, as in synthetic:labels=10.'],
    [
      "plain.npy",
      "--data plain.npy: the file holds one array without a name, and the plan has 2 inputs: x, labels. Give NAME=plain.npy for each.",
    ],
    ["x=plain.npy", 'data x=plain.npy, input "x": the shape is wrong; got [2,3,4], expected [samples,2].'],
  ])("refuses %s", async (source, message) => {
    await expect(open(source)).rejects.toThrow(message);
  });

  it("names a missing array", async () => {
    const inputs: readonly FeedSpec[] = [{ name: "label", dtype: "int64", shape: [3], batchAxis: 0 }];
    await expect(open("stored.npz", inputs)).rejects.toThrow(
      'data stored.npz: no array for the input "label"; got "x", "labels". Did you mean labels? Save the array under this name, or give --data label=FILE.',
    );
  });

  it("refuses conversions that lose values", async () => {
    const inputs: readonly FeedSpec[] = [{ name: "labels", dtype: "float32", shape: [3], batchAxis: 0 }];
    await expect(open("stored.npz", inputs)).rejects.toThrow(
      'data stored.npz, input "labels": the element type is wrong; got int32, expected float32. Convert it with astype("float32") and save it again.',
    );
  });
});

describe("arraysDataset", () => {
  it("cuts along any batch axis", async () => {
    const sizes = fc.record({
      outer: fc.integer({ min: 1, max: 3 }),
      inner: fc.integer({ min: 1, max: 3 }),
      samples: fc.integer({ min: 1, max: 7 }),
      size: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ outer, inner, samples, size }) => {
        const elements = Uint8Array.from(
          { length: outer * samples * inner },
          (_, at) => Math.floor(at / inner) % samples,
        );
        const array = { dtype: "uint8", shape: [outer, samples, inner], bytes: elements } as const;
        const inputs: readonly FeedSpec[] = [{ name: "x", dtype: "uint8", shape: [outer, size, inner], batchAxis: 1 }];
        const dataset = arraysDataset(inputs, new Map([["x", array]]), {
          seed: 0,
          shuffle: false,
          microbatches: 1,
          source: "memory",
        });
        const got = (await dataset.feeds(1, 0)).get("x")!;
        const expected = Array.from(
          { length: outer * size * inner },
          (_, at) => (size + (Math.floor(at / inner) % size)) % samples,
        );
        expect([...got]).toEqual(expected);
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  it("wants equal numbers of samples", () => {
    const arrays = new Map([
      ["x", { dtype: "float32", shape: [4, 2], bytes: new Uint8Array(32) }],
      ["labels", { dtype: "int64", shape: [5], bytes: new Uint8Array(40) }],
    ] as const);
    expect(() => arraysDataset(INPUTS, arrays, { seed: 0, shuffle: true, microbatches: 1, source: "f.npz" })).toThrow(
      "data f.npz: the arrays have different numbers of samples; got x 4, labels 5, expected one number for all.",
    );
  });
});
