import fc from "fast-check";
import { expect, test } from "vitest";
import type { DType } from "../../../compiler/ir/graph.js";
import { tensorBytes } from "../../../compiler/ir/literal.js";
import type { StoredTensor } from "../../../compiler/plan/safetensors.js";
import { readSafetensors, writeSafetensors } from "../../../compiler/plan/safetensors.js";

const dtypes: readonly DType[] = ["float64", "float32", "float16", "bfloat16", "int64", "uint32", "int8", "bool"];

const tensor = fc
  .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat(3), { maxLength: 3 }), fill: fc.nat(255) })
  .map(({ dtype, shape, fill }): StoredTensor => {
    const bytes = new Uint8Array(tensorBytes({ dtype, shape })).fill(fill);
    return { dtype, shape, bytes };
  });
const tensors = fc
  .dictionary(fc.string({ minLength: 1 }), tensor, { maxKeys: 6 })
  .map((entries) => new Map(Object.entries(entries).filter(([name]) => name !== "__metadata__")));

test("what is written is read back", () => {
  fc.assert(
    fc.property(tensors, (written) => {
      const read = readSafetensors(writeSafetensors(written));
      expect(new Set(read.keys())).toEqual(new Set(written.keys()));
      for (const [name, tensor] of written) expect(read.get(name)).toEqual(tensor);
    }),
    { numRuns: 60, seed: 1 },
  );
});

test("the order of the tensors does not change the bytes, and wide elements are aligned", () => {
  const entries: [string, StoredTensor][] = [
    ["b", { dtype: "int8", shape: [3], bytes: new Uint8Array(3) }],
    ["a", { dtype: "float64", shape: [1], bytes: new Uint8Array(8) }],
  ];
  const file = writeSafetensors(new Map(entries));
  expect(writeSafetensors(new Map(entries.reverse()))).toEqual(file);
  expect(readSafetensors(file).get("a")!.bytes.byteOffset % 8).toBe(0);
});

/** A file with any header text and `size` bytes of buffer. */
function file(header: string, size: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

test.each([
  ["no header size", new Uint8Array(7), /it has 7 bytes/],
  ["a header longer than the file", new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 123]), /claims 9 bytes; at most 1 fit/],
  ["a header size above 2^53", new Uint8Array(8).fill(255), /claims 18446744073709551615 bytes/],
  ["no JSON", file("{", 0), /not JSON/],
  ["a list", file("[]", 0), /not a JSON object/],
  ["an unknown type", file('{"a":{"dtype":"F4","shape":[],"data_offsets":[0,0]}}', 0), /element type "F4"/],
  ["a negative size", file('{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}', 0), /malformed shape \[-1\]/],
  ["one offset", file('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}}', 0), /malformed offsets \[0\]/],
  ["too few bytes", file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4), /has 4 bytes; expected 8/],
  ["a huge shape", file('{"a":{"dtype":"U8","shape":[9e9,9e9],"data_offsets":[0,4]}}', 4), /expected 81000000000/],
  ["a hole", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', 2), /starts at byte 1; expected 0/],
  ["bytes past the end", file('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', 1), /past the 1 bytes/],
  ["bytes of nobody", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 3), /2 bytes at the end/],
])("refuses %s", (_name, bytes, message) => {
  expect(() => readSafetensors(bytes, "x.safetensors")).toThrow(message);
  expect(() => readSafetensors(bytes, "x.safetensors")).toThrow(/^x\.safetensors: /);
});

test("metadata is no tensor", () => {
  expect(readSafetensors(file('{"__metadata__":{"format":"pt"}}', 0)).size).toBe(0);
});
