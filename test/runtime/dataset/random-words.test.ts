import { expect, test } from "vitest";
import { RANDOM_WORDS } from "../../../compiler/random.js";
import type { FeedSpec } from "../../../runtime/dataset/dataset.js";
import { openDataset } from "../../../runtime/dataset/open.js";
import type { Files } from "../../../runtime/env/env.js";

const x: FeedSpec = { name: "x", dtype: "float32", shape: [2], batchAxis: 0 };
const words: FeedSpec = { name: RANDOM_WORDS, dtype: "uint32", shape: [2], batchAxis: 0 };
const open = (inputs: readonly FeedSpec[], seed = 1) =>
  openDataset("synthetic", inputs, { files: {} as Files, seed, shuffle: true, microbatches: 2 });

test("random words are a function of seed, step and microbatch", async () => {
  const seen = new Set<string>();
  for (const seed of [1, 2]) {
    const dataset = await open([x, words], seed);
    for (const [step, microbatch] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [2 ** 32, 0],
    ] as const) {
      const bytes = (await dataset.feeds(step, microbatch)).get(RANDOM_WORDS)!;
      expect(bytes).toHaveLength(8);
      expect((await (await open([x, words], seed)).feeds(step, microbatch)).get(RANDOM_WORDS)).toEqual(bytes);
      seen.add(bytes.join());
    }
  }
  expect(seen.size).toBe(8);
});

test("the other inputs are what they are without random words", async () => {
  const [plain, random] = [await open([x]), await open([x, words])];
  expect([...(await plain.feeds(0, 0)).keys()]).toEqual(["x"]);
  expect((await random.feeds(3, 1)).get("x")).toEqual((await plain.feeds(3, 1)).get("x"));
  expect(random.about).toBe(plain.about);
});

test("an input of the model that has their name is data, and theirs has a number", async () => {
  const own: FeedSpec = { name: RANDOM_WORDS, dtype: "float32", shape: [2], batchAxis: 0 };
  const numbered: FeedSpec = { ...words, name: `${RANDOM_WORDS}.1` };
  const feeds = await (await open([own, numbered])).feeds(0, 0);
  expect(feeds.get(RANDOM_WORDS)).toEqual((await (await open([own])).feeds(0, 0)).get(RANDOM_WORDS));
  expect(feeds.get(numbered.name)).toEqual((await (await open([words])).feeds(0, 0)).get(RANDOM_WORDS));
});
