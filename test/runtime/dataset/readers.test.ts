import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../../compiler/errors.js";
import type { FileArray } from "../../../runtime/dataset/array.js";
import { readCsv } from "../../../runtime/dataset/csv.js";
import { readIdx } from "../../../runtime/dataset/idx.js";
import { readNpy } from "../../../runtime/dataset/npy.js";
import { readNpz } from "../../../runtime/dataset/npz.js";

const LIMIT = 1_000_000;
const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../fixtures/reference/dataset/${name}`, import.meta.url)));
const copy = ({ bytes }: FileArray) => Uint8Array.from(bytes).buffer;
const count = (length: number) => Array.from({ length }, (_, at) => at);

describe("readNpy", () => {
  it("reads float32 in row-major order", () => {
    const array = readNpy("plain.npy", fixture("plain.npy"));
    expect([array.dtype, array.shape]).toEqual(["float32", [2, 3, 4]]);
    expect([...new Float32Array(copy(array))]).toEqual(count(24));
  });

  it("turns Fortran order and big-endian elements around", () => {
    expect([...new Float32Array(copy(readNpy("f", fixture("fortran.npy"))))]).toEqual(count(24));
    expect([...new Float64Array(copy(readNpy("b", fixture("big-endian.npy"))))]).toEqual(count(24));
  });

  it("reads a scalar", () => {
    const array = readNpy("scalar.npy", fixture("scalar.npy"));
    expect([array.dtype, array.shape, new BigInt64Array(copy(array))[0]]).toEqual(["int64", [], 7n]);
  });
});

describe("readNpz", () => {
  it.each(["stored.npz", "deflated.npz"])("reads %s", (name) => {
    const arrays = readNpz(name, fixture(name), LIMIT);
    expect([...arrays.keys()]).toEqual(["x", "labels"]);
    expect([...new Float32Array(copy(arrays.get("x")!))]).toEqual(count(20).map((x) => x / 4));
    expect([...new Int32Array(copy(arrays.get("labels")!))]).toEqual(count(10).map((x) => x % 3));
  });

  it("stops at the limit before it unpacks", () => {
    expect(() => readNpz("deflated.npz", fixture("deflated.npz"), 100)).toThrow(
      "data file deflated.npz: x.npy unpacks to 208 bytes; 100 are left of the limit. Split the file.",
    );
  });
});

describe("readIdx", () => {
  it("reads bytes and big-endian integers", () => {
    const images = readIdx("images-idx", Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6));
    expect([images.dtype, images.shape, [...images.bytes]]).toEqual(["uint8", [2, 3], [1, 2, 3, 4, 5, 6]]);
    const labels = readIdx("labels-idx", Uint8Array.of(0, 0, 0x0c, 1, 0, 0, 0, 1, 0, 0, 1, 2));
    expect(new Int32Array(copy(labels))[0]).toBe(258);
  });
});

describe("readCsv", () => {
  const read = (text: string) => readCsv("t.csv", new TextEncoder().encode(text), LIMIT);
  it("groups numbered columns", () => {
    const arrays = read('"x.0",x.1,label\n1,2,0\r\n3,-4e-1,1\n\n');
    expect(arrays.get("x")!.shape).toEqual([2, 2]);
    expect([...new Float64Array(copy(arrays.get("x")!))]).toEqual([1, 2, 3, -0.4]);
    expect([arrays.get("label")!.shape, ...new Float64Array(copy(arrays.get("label")!))]).toEqual([[2], 0, 1]);
  });

  it.each([
    ["x\n", "expected a header line and at least one line of numbers."],
    ["x,y\n1\n", "line 2 has 1 fields; expected 2 as in the header."],
    ["x,y\n1,2\n3,\n", 'line 3, column y: got "", expected a number.'],
    ["x.0,x.2\n1,2\n", "column x.2 is out of order; expected x.0, x.1, … once each."],
  ])("says where %j is wrong", (text, message) => {
    expect(() => read(text)).toThrow(`data file t.csv: ${message}`);
  });
});

describe("every reader", () => {
  const idx = Uint8Array.of(0, 0, 0x0c, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 1, 2, 0, 0, 3, 4);
  const table = new TextEncoder().encode("x.0,x.1,y\n1,2,3\n4,5,6\n");
  const readers: readonly [string, (file: string, bytes: Uint8Array) => unknown, Uint8Array][] = [
    ["npy", readNpy, fixture("fortran.npy")],
    ["npz", (file, bytes) => readNpz(file, bytes, LIMIT), fixture("deflated.npz")],
    ["idx", readIdx, idx],
    ["csv", (file, bytes) => readCsv(file, bytes, LIMIT), table],
  ];
  it.each(readers)("%s refuses damaged bytes with its own error", (_, read, whole) => {
    expect(() => read("file", whole)).not.toThrow();
    const damage = fc.record({
      keep: fc.nat({ max: whole.length }),
      edits: fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 })), { maxLength: 8 }),
    });
    fc.assert(
      fc.property(damage, ({ keep, edits }) => {
        const bytes = whole.slice();
        for (const [at, value] of edits) bytes[at] = value;
        try {
          read("file", bytes.subarray(0, keep));
        } catch (error) {
          expect(error).toBeInstanceOf(PipewrightError);
        }
      }),
      { seed: 1, numRuns: 400 },
    );
  });
});
