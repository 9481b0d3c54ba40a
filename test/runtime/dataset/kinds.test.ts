/** @file One table of samples in every kind of source that `--data` reads: the same microbatches, in the same order. */
import { parquetWriteBuffer } from "hyparquet-writer";
import { beforeAll, describe, expect, it } from "vitest";
import { writeSafetensors } from "../../../compiler/plan/safetensors.js";
import type { FeedSpec } from "../../../runtime/dataset/dataset.js";
import { microbatchesOf } from "../../../runtime/dataset/dataset.js";
import { openDataset } from "../../../runtime/dataset/open.js";
import { npy, npz } from "../../support/npz.js";
import { simulatedEnv } from "../../support/simulated-env.js";

const SAMPLES = 10;
const INPUTS: readonly FeedSpec[] = [
  { name: "x", dtype: "float32", shape: [3, 2], batchAxis: 0 },
  { name: "labels", dtype: "int64", shape: [3], batchAxis: 0 },
];
const [MICROBATCHES, STEPS] = [2, 5];

const rows = Array.from({ length: SAMPLES }, (_, at) => ({ x: [at / 4, 5 - at], label: at % 7 }));
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer);
const x = bytesOf(Float32Array.from(rows.flatMap((row) => row.x)));
const labels = bytesOf(BigInt64Array.from(rows, ({ label }) => BigInt(label)));
const numpyX = { descr: "<f4", shape: [SAMPLES, 2], bytes: x };
const numpyLabels = { descr: "<i8", shape: [SAMPLES], bytes: labels };
const idxX = new DataView(new ArrayBuffer(12 + x.length));
for (const [at, word] of [0x0d02, SAMPLES, 2].entries()) idxX.setInt32(4 * at, word);
for (const [at, number] of rows.flatMap((row) => row.x).entries()) idxX.setFloat32(12 + 4 * at, number);

/** What lies on the disk, by name. */
const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "x.npy": npy(numpyX),
  "labels.npy": npy(numpyLabels),
  "all.npz": npz({ x: numpyX, labels: numpyLabels }),
  "all.safetensors": writeSafetensors(
    new Map([
      ["x", { dtype: "float32", shape: [SAMPLES, 2], bytes: x }],
      ["labels", { dtype: "int64", shape: [SAMPLES], bytes: labels }],
    ]),
  ),
  "all.csv": ["x.0,x.1,labels", ...rows.map((row) => [...row.x, row.label].join(","))].join("\n"),
  "x-idx": bytesOf(idxX),
  "labels-ubyte": Uint8Array.of(0, 0, 8, 1, 0, 0, 0, SAMPLES, ...rows.map(({ label }) => label)),
  "all.parquet": new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "x", data: rows.map((row) => row.x) },
        { name: "labels", data: rows.map(({ label }) => BigInt(label)) },
      ],
      schema: [
        { name: "root", num_children: 2 },
        { name: "x", converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
        { name: "labels", type: "INT64", repetition_type: "REQUIRED" },
      ],
    }),
  ),
};
const SOURCES = ["all.npz", "all.safetensors", "all.csv", "all.parquet", "x=x-idx,labels=labels-ubyte"];
const module = { default: () => rows.map((row) => ({ x: row.x, labels: row.label })) };

const { files } = simulatedEnv();
const options = { files, seed: 3, microbatches: MICROBATCHES, loadModule: () => Promise.resolve(module) };
beforeAll(async () => {
  for (const [name, content] of Object.entries(FILES)) await files.writeAtomic(name, content);
});

async function microbatches(source: string, shuffle: boolean) {
  const dataset = await openDataset(source, INPUTS, { ...options, shuffle });
  const all = [];
  for await (const { feeds } of microbatchesOf(dataset, MICROBATCHES, 0, STEPS))
    all.push(INPUTS.map(({ name }) => [...feeds.get(name)!]));
  return all;
}

describe("samples", () => {
  it.each(SOURCES)("of %s are those of .npy files", async (source) => {
    for (const shuffle of [false, true])
      expect(await microbatches(source, shuffle)).toEqual(await microbatches("x=x.npy,labels=labels.npy", shuffle));
  });

  it("of a module are those of .npy files in their order", async () => {
    expect(await microbatches("data.mjs", false)).toEqual(await microbatches("x=x.npy,labels=labels.npy", false));
  });

  it("are shuffled by the seed", async () => {
    const inOrder = await microbatches("all.npz", false);
    expect(await microbatches("all.npz", true)).not.toEqual(inOrder);
    expect(inOrder[0]).toEqual([[...x.subarray(0, 24)], [...labels.subarray(0, 24)]]);
  });
});
