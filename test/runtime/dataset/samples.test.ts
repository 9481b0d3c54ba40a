import { describe, expect, it } from "vitest";
import { samplesDataset } from "../../../runtime/dataset/samples.js";
import type { FeedSpec } from "../../../runtime/dataset/dataset.js";

const INPUTS: readonly FeedSpec[] = [
  { name: "x", dtype: "float32", shape: [2, 3], batchAxis: 0 },
  { name: "label", dtype: "int64", shape: [2], batchAxis: 0 },
];
const options = { seed: 5, microbatches: 2, source: "data.mjs" };
const floats = (bytes: Uint8Array) => [...new Float32Array(Uint8Array.from(bytes).buffer)];

/** Epochs of 5 samples: x = 100 · epoch + number, three times. */
function counting(asked: object[] = []) {
  return {
    default: async function* ({ seed, epoch }: { seed: number; epoch: number }) {
      asked.push({ seed, epoch });
      for (let at = 0; at < 5; at++) {
        const x = 100 * epoch + at;
        yield { x: [[x], new Float32Array([x, x])], label: at % 2 === 0 ? at : BigInt(at) };
      }
    },
  };
}

describe("samples of a module", () => {
  it("fill microbatches in order, one epoch after the other", async () => {
    const asked: object[] = [];
    const dataset = samplesDataset(INPUTS, counting(asked), options);
    const seen: number[] = [];
    for (let step = 0; step < 3; step++) {
      for (const feeds of await Promise.all([0, 1].map((microbatch) => dataset.feeds(step, microbatch)))) {
        const x = floats(feeds.get("x")!);
        seen.push(x[0]!, x[3]!);
        expect(x).toEqual([x[0], x[0], x[0], x[3], x[3], x[3]]);
      }
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 100, 101, 102, 103, 104, 200, 201]);
    expect(asked).toEqual([0, 1, 2].map((epoch) => ({ seed: 5, epoch })));
  });

  it("are the same when a run resumes or goes back", async () => {
    const dataset = samplesDataset(INPUTS, counting(), options);
    const late = floats((await dataset.feeds(2, 1)).get("x")!);
    const early = floats((await dataset.feeds(0, 1)).get("x")!);
    expect([late[0], late[3], early[0], early[3]]).toEqual([200, 201, 2, 3]);
  });

  it("lie along the batch axis of the input", async () => {
    const across: FeedSpec = { name: "x", dtype: "float32", shape: [3, 2], batchAxis: 1 };
    const dataset = samplesDataset([across], counting(), options);
    expect(floats((await dataset.feeds(0, 0)).get("x")!)).toEqual([0, 1, 0, 1, 0, 1]);
  });

  it.each([
    [{}, "data module data.mjs: it has no function as its default export"],
    [{ default: () => [] }, "data module data.mjs: epoch 0 has no samples."],
    [{ default: () => [{ x: [1, 2, 3] }] }, 'data module data.mjs: a sample has no "label"; got x.'],
    [
      { default: () => [{ x: [1, 2], label: 0 }] },
      'data module data.mjs: "x" of a sample has the wrong size; got 2 elements, expected 3.',
    ],
    [
      { default: () => [{ x: [1, 2, 3], label: 0.5 }] },
      'data module data.mjs: "label" of a sample holds 0.5; expected int64.',
    ],
  ])("say what does not fit: %#", async (module, message) => {
    const ask = async () => samplesDataset(INPUTS, module, options).feeds(0, 0);
    await expect(ask()).rejects.toThrow(message);
  });
});
