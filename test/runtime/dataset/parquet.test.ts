import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import type { FileArray } from "../../../runtime/dataset/array.js";
import { readParquet } from "../../../runtime/dataset/parquet.js";
import { run } from "../../../runtime/dataset/parquet-table.js";

const LIMIT = 1_000_000;
const buffer = ({ bytes }: FileArray) => Uint8Array.from(bytes).buffer;
type Columns = Parameters<typeof parquetWriteBuffer>[0]["columnData"];
const table = (...columnData: Columns) => new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 4 }));

describe("readParquet", () => {
  it("reads columns of every type of number, over several row groups", async () => {
    const counts = Array.from({ length: 11 }, (_, at) => at);
    const arrays = await readParquet(
      "t.parquet",
      table(
        { name: "a", data: counts.map((at) => at / 4), type: "FLOAT" },
        { name: "b", data: counts.map((at) => at / 3), type: "DOUBLE" },
        { name: "c", data: counts.map((at) => 5 - at), type: "INT32" },
        { name: "d", data: counts.map((at) => BigInt(at) << 40n), type: "INT64" },
        { name: "e", data: counts.map((at) => at % 3 === 0), type: "BOOLEAN" },
      ),
      LIMIT,
    );
    expect([...arrays].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ["a", "float32", [11]],
      ["b", "float64", [11]],
      ["c", "int32", [11]],
      ["d", "int64", [11]],
      ["e", "bool", [11]],
    ]);
    expect([...new Float32Array(buffer(arrays.get("a")!))]).toEqual(counts.map((at) => at / 4));
    expect([...new Float64Array(buffer(arrays.get("b")!))]).toEqual(counts.map((at) => at / 3));
    expect([...new Int32Array(buffer(arrays.get("c")!))]).toEqual(counts.map((at) => 5 - at));
    expect([...new BigInt64Array(buffer(arrays.get("d")!))]).toEqual(counts.map((at) => BigInt(at) << 40n));
    expect([...arrays.get("e")!.bytes]).toEqual(counts.map((at) => Number(at % 3 === 0)));
  });

  it("names the column that has no numbers, and the row that has none", async () => {
    await expect(
      readParquet("t.parquet", table({ name: "s", data: ["x", "y"], type: "STRING" }), LIMIT),
    ).rejects.toThrow(
      'data file t.parquet: the column "s" is no column of numbers; got BYTE_ARRAY, expected BOOLEAN, INT32, INT64, FLOAT, DOUBLE or lists of them.',
    );
    await expect(
      readParquet("t.parquet", table({ name: "x", data: [1, null, 3], type: "FLOAT", nullable: true }), LIMIT),
    ).rejects.toThrow('data file t.parquet: the column "x" has no number in row 1; fill in the missing values.');
  });

  it("refuses tables over the limit", async () => {
    await expect(
      readParquet("t.parquet", table({ name: "x", data: [1, 2, 3], type: "FLOAT" }), 8),
    ).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  it("refuses files that end early as such", async () => {
    const whole = table({ name: "x", data: Array.from({ length: 50 }, (_, at) => at), type: "FLOAT" });
    for (const length of [0, 3, 11, whole.length >> 1, whole.length - 1])
      await expect(
        run({ file: "t.parquet", bytes: whole.subarray(0, length), limitBytes: LIMIT }),
      ).rejects.toMatchObject({ code: "ARTEFACT_MISMATCH" });
  });

  it("gives up on damaged bytes that keep the decoder busy or fill its memory", async () => {
    const counts = Array.from({ length: 50 }, (_, at) => at);
    const columnData: Columns = [
      { name: "a", data: counts.map((at) => at / 4), type: "FLOAT" },
      { name: "d", data: counts.map(BigInt), type: "INT64" },
      { name: "e", data: counts.map((at) => at % 3 === 0), type: "BOOLEAN" },
    ];
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 20 }));
    bytes[14] = 128;
    await expect(readParquet("t.parquet", bytes, LIMIT, { patienceMs: 3_000, heapMiB: 64 })).rejects.toThrow(
      /^data file t\.parquet: not a readable Parquet file; it (takes longer than 3 s|needs more than 64 MiB of memory)\.$/,
    );
  });
});
