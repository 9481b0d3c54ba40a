/** @file The process that reads samples: the same samples as in this process, read ahead, and its faults told. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { SampleSource } from "../../runtime/sample-reader-protocol.js";
import { openInProcess } from "../../runtime/sample-reader.js";
import type { Feeds } from "../../runtime/dataset/dataset.js";
import { openDataset } from "../../runtime/dataset/open.js";
import { ReadAhead } from "../../runtime/dataset/read-ahead.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { isAlive, watchedEnv } from "../support/watched-workers.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-data-"));
afterAll(() => rmSync(folder, { recursive: true }));

const env = nodeEnv();
const SOURCE: SampleSource = {
  source: join(folder, "table.csv"),
  inputs: [
    { name: "x", dtype: "float32", shape: [3, 2], batchAxis: 0 },
    { name: "y", dtype: "int64", shape: [3], batchAxis: 0, below: 4 },
  ],
  seed: 3,
  shuffle: true,
  microbatches: 2,
};
const DEPTH = 2;
const STEPS = 9;

writeFileSync(
  SOURCE.source,
  ["x.0,x.1,y", ...Array.from({ length: 20 }, (_, row) => `${row},${row + 0.5},${row % 4}`)].join("\n"),
);

const copied = (feeds: Feeds) => [...feeds].map(([name, bytes]) => [name, [...bytes]]);

describe("the data process", () => {
  it("gives the samples of the file in the same order, each once per epoch, read ahead", async () => {
    const { seed, shuffle, microbatches, inputs, source } = SOURCE;
    const local = await openDataset(source, inputs, { files: env.files, seed, shuffle, microbatches });
    const remote = await openInProcess(env, SOURCE, DEPTH);
    try {
      expect({ samples: remote.samples, about: remote.about, identity: remote.identity }).toEqual({
        samples: 20,
        about: local.about,
        identity: local.identity,
      });
      const step = (at: number) => Promise.all([0, 1].map((microbatch) => remote.feeds(at, microbatch)));
      const ahead = new ReadAhead(step, 0, STEPS, DEPTH);
      const rows: number[] = [];
      for (let at = 0; at < STEPS; at++) {
        for (const [microbatch, feeds] of (await ahead.take()).entries()) {
          expect(copied(feeds)).toEqual(copied(await local.feeds(at, microbatch)));
          rows.push(...[0, 2, 4].map((place) => new Float32Array(feeds.get("x")!.slice().buffer)[place]!));
        }
      }
      for (const epoch of [0, 1])
        expect(rows.slice(20 * epoch, 20 * epoch + 20).sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
    } finally {
      await remote.close();
    }
  });

  it("runs a module of the user, and tells what it throws", async () => {
    const source = join(folder, "data.mjs");
    writeFileSync(
      source,
      `export default async function* ({ seed, epoch }) {
        for (let at = 0; at < 9; at++) yield { x: [at, seed], y: epoch };
        throw new Error("the tape is torn");
      }`,
    );
    const remote = await openInProcess(env, { ...SOURCE, source }, DEPTH);
    try {
      const x = (await remote.feeds(0, 1)).get("x")!.slice();
      expect([...new Float32Array(x.buffer)]).toEqual([3, 3, 4, 3, 5, 3]);
      await expect(remote.feeds(1, 1)).rejects.toThrow("the tape is torn");
    } finally {
      await remote.close();
    }
  });

  it("passes on why a source cannot be opened, and leaves no process", async () => {
    const watched = watchedEnv();
    const opening = openInProcess(watched, { ...SOURCE, source: join(folder, "none.csv") }, DEPTH);
    await expect(opening).rejects.toMatchObject({ code: "FILE" });
    expect(watched.pids.length).toBe(1);
    expect(isAlive(watched.pids[0]!)).toBe(false);
  });
});
