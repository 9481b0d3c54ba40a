import { describe, expect, it } from "vitest";
import { clusterTask, markovTask } from "../../models/tasks.js";

const int64s = (bytes: Uint8Array) => [...new BigInt64Array(Uint8Array.from(bytes).buffer)].map(Number);
const float32s = (bytes: Uint8Array) => [...new Float32Array(Uint8Array.from(bytes).buffer)];

describe("markovTask", () => {
  const task = markovTask({ batch: 8, sequence: 64, vocabulary: 16, seed: 3 });

  it("labels each token with the next one", async () => {
    const feeds = await task.feeds(0, 0);
    const [tokens, labels] = [int64s(feeds.get("tokens")!), int64s(feeds.get("labels")!)];
    for (let place = 0; place < tokens.length; place++) {
      if (place % 64 !== 63) expect(labels[place]).toBe(tokens[place + 1]);
    }
  });

  it("has the entropy that it says", async () => {
    const counts = new Map<string, number>();
    const totals = new Map<number, number>();
    for (let step = 0; step < 40; step++) {
      const feeds = await task.feeds(step, 0);
      const labels = int64s(feeds.get("labels")!);
      for (const [place, token] of int64s(feeds.get("tokens")!).entries()) {
        const pair = `${token} ${labels[place]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
        totals.set(token, (totals.get(token) ?? 0) + 1);
      }
    }
    expect(counts.size).toBe(32);
    let entropy = 0;
    for (const [pair, count] of counts)
      entropy -= (count * Math.log(count / totals.get(Number(pair.split(" ")[0]))!)) / 20480;
    expect(entropy).toBeCloseTo(task.floor, 1);
  });

  it("depends on seed, step and microbatch only", async () => {
    const again = markovTask({ batch: 8, sequence: 64, vocabulary: 16, seed: 3 });
    expect(await again.feeds(5, 2)).toEqual(await task.feeds(5, 2));
    expect(await task.feeds(5, 1)).not.toEqual(await task.feeds(5, 2));
  });
});

describe("clusterTask", () => {
  it("can be told apart by the nearest pattern", async () => {
    const task = clusterTask({ batch: 64, input: "x", shape: [3, 8], classes: 4 });
    const [first, second] = [await task.feeds(0, 0), await task.feeds(1, 0)];
    const means = new Map<number, { sum: number[]; count: number }>();
    const [x, labels] = [float32s(first.get("x")!), int64s(first.get("labels")!)];
    for (const [sample, label] of labels.entries()) {
      const mean = means.get(label) ?? { sum: new Array<number>(24).fill(0), count: 0 };
      for (let at = 0; at < 24; at++) mean.sum[at]! += x[sample * 24 + at]!;
      means.set(label, { ...mean, count: mean.count + 1 });
    }
    const samples = float32s(second.get("x")!);
    const right = int64s(second.get("labels")!).filter((label, sample) => {
      const distance = ({ sum, count }: { sum: number[]; count: number }) =>
        sum.reduce((total, value, at) => total + (value / count - samples[sample * 24 + at]!) ** 2, 0);
      const [nearest] = [...means].sort((a, b) => distance(a[1]) - distance(b[1]))[0]!;
      return nearest === label;
    });
    expect(right.length).toBeGreaterThan(58);
  });
});
