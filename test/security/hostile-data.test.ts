/**
 * @file Data files made to do harm: each is one error that names the file, in one line, before memory or time grow with
 * what the file claims.
 */
import { crc32, deflateRawSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { PipewrightError } from "../../compiler/errors.js";
import { visibleMessage } from "../../compiler/names.js";
import type { FeedSpec } from "../../runtime/dataset/dataset.js";
import { openDataset } from "../../runtime/dataset/open.js";
import { samplesDataset } from "../../runtime/dataset/samples.js";
import { npz } from "../support/npz.js";
import { simulatedEnv } from "../support/simulated-env.js";
import { zipped } from "../support/zip.js";

const INPUTS: readonly FeedSpec[] = [{ name: "x", dtype: "float32", shape: [2, 3], batchAxis: 0 }];
const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const joined = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => Uint8Array.from(part)));

/** Opens a file of these bytes, and reads a microbatch. */
async function read(name: string, bytes: Uint8Array): Promise<string> {
  const { files } = simulatedEnv();
  await files.writeAtomic(`/${name}`, bytes);
  const before = process.memoryUsage().rss;
  try {
    const dataset = await openDataset(`/${name}`, INPUTS, { files, seed: 0, shuffle: true, microbatches: 1 });
    await dataset.feeds(0, 0);
    return "read";
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    const shown = visibleMessage(error.message);
    expect(shown.split("\n"), shown).toHaveLength(1);
    expect(shown).toMatch(/^data (file|module)? ?\//);
    expect(shown.length).toBeLessThan(2_000);
    expect(["ARTEFACT_MISMATCH", "LIMIT_EXCEEDED"]).toContain(error.code);
    expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined();
    return `${error.code} ${shown}`;
  } finally {
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
  }
}

/** A .npy file with this header. */
function npy(header: string, { version = 1, length = header.length, data = 24 } = {}): Uint8Array {
  const sizes =
    version === 1 ? [length & 255, (length >> 8) & 255] : [0, 8, 16, 24].map((bits) => (length >>> bits) & 255);
  return joined([0x93], text("NUMPY"), [version, 0], sizes, text(header), new Uint8Array(data));
}
const described = (shape: string, more = ""): string =>
  `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, ${more}}\n`;

const NPY: readonly (readonly [string, Uint8Array, RegExp])[] = [
  [
    "claims 2^60 elements",
    npy(described("(1152921504606846976,)")),
    /the shape is too large; got \(1152921504606846976,\)/,
  ],
  [
    "claims 2^52 elements",
    npy(described("(4503599627370496,)")),
    /ends early; got 24 bytes of elements, expected more than 2\^53 for/,
  ],
  [
    "claims a product past 2^53 that has a zero",
    npy(described("(4503599627370496, 4503599627370496, 0)"), { data: 0 }),
    /the shape is wrong/,
  ],
  ["has a negative size", npy(described("(-2, 3)")), /unsupported header/],
  ["has a size that is no number", npy(described("(nan, 3)")), /unsupported header/],
  [
    "has a header of a gigabyte",
    npy(described("(2, 3)"), { version: 2, length: 2 ** 30 }),
    /the header is too long; got 1073741824 bytes/,
  ],
  ["has a header past its end", npy(described("(2, 3)"), { length: 9_999 }), /ends inside its header/],
  ["has an unknown version", npy(described("(2, 3)"), { version: 9 }), /got version 9, expected 1, 2 or 3/],
  ["calls a function", npy(described("__import__('os').system('id')")), /unsupported header/],
  [
    "calls a function beside the shape",
    npy(described("(2, 3)", "'x': __import__('os').system('id'), ")),
    /unsupported header/,
  ],
  ["has two shapes", npy(described("(2, 3)", "'shape': (6,), ")), /unsupported header/],
  ["has two types", npy(described("(2, 3)", "'descr': '<f8', ")), /unsupported header/],
  ["has text behind the header", npy(described("(2, 3)").replace("\n", " + x\n")), /unsupported header/],
  ["has objects", npy(described("(2, 3)").replace("<f4", "|O")), /unsupported header/],
  ["has a structured type", npy(described("(2, 3)").replace("'<f4'", "[('a', '<f4')]")), /unsupported header/],
  ["has 100 axes", npy(described(`(${"1, ".repeat(100)})`), { data: 4 }), /too many axes; got 100/],
  ["turns the direction of its header", npy("{'descr': '\u202e'}\n"), /\\u202e/],
  ["has an endless header", npy(`{${" ".repeat(9_000)}`), /unsupported header/],
];

const good = { x: { descr: "<f4", shape: [2, 3], bytes: new Uint8Array(24) } };
const array = npy(described("(2, 3)"));
const NPZ: readonly (readonly [string, Uint8Array, RegExp])[] = [
  [
    "unpacks to more than it says",
    zipped([{ name: "x.npy", content: deflateRawSync(new Uint8Array(50_000_000)), method: 8, plainBytes: 100 }]),
    /x\.npy cannot be unpacked/,
  ],
  [
    "says it unpacks to 4 GB",
    zipped([{ name: "x.npy", content: deflateRawSync(array), method: 8, plainBytes: 0xffffffff }]),
    /^LIMIT_EXCEEDED .*unpacks to 4294967295 bytes/,
  ],
  [
    "has a name that leads out",
    zipped([{ name: "../../etc/passwd.npy", content: array }]),
    /no array for the input "x"; got "\.\.\/\.\.\/etc\/passwd"/,
  ],
  [
    "has a name with lines and escapes",
    zipped([{ name: "a\nerror: all is well\u001b[2J.npy", content: array }]),
    /got "a\\nerror: all is well\\u001b\[2J"/,
  ],
  [
    "has such a name and damage",
    zipped([{ name: "a\nb.npy", content: array, checksum: 1 }]),
    /"a\\nb\.npy" is damaged/,
  ],
  ["has a name that every object has", zipped([{ name: "__proto__.npy", content: array }]), /got "__proto__"/],
  [
    "has one array twice",
    zipped([
      { name: "x.npy", content: array },
      { name: "x.npy", content: array },
    ]),
    /the array "x" comes twice/,
  ],
  [
    "holds a bomb in a method that we have not",
    zipped([{ name: "x.npy", content: array, method: 12 }]),
    /x\.npy uses zip method 12/,
  ],
  [
    "says it has 65,535 entries",
    zipped([{ name: "x.npy", content: array }], { count: 65_535 }),
    /the archive ends early|directory is broken/,
  ],
  [
    "has its directory past the end",
    zipped([{ name: "x.npy", content: array }], { directoryAt: 0xfffffff0 }),
    /the archive ends early/,
  ],
  ["is cut", npz(good).subarray(0, 100), /no zip directory found/],
  ["is empty", new Uint8Array(), /no zip directory found/],
];

/** A safetensors file with this header. */
function safetensors(header: string, size = 24, length = header.length): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  return joined(head, text(header), new Uint8Array(size));
}
const tensor = (fields: string): string => `{"x":{"dtype":"F32",${fields}}}`;
const SAFETENSORS: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["has a header of a gigabyte", safetensors("{}", 0, 2 ** 30), /the header claims 1073741824 bytes; at most 2 fit/],
  ["is nested 100,000 deep", safetensors(`${"[".repeat(100_000)}`, 0), /nested deeper than 64 levels/],
  [
    "claims 2^60 elements",
    safetensors(tensor('"shape":[1152921504606846976],"data_offsets":[0,24]')),
    /malformed shape/,
  ],
  ["has a negative size", safetensors(tensor('"shape":[-2,3],"data_offsets":[0,24]')), /malformed shape \[-2,3\]/],
  [
    "has a fraction as size",
    safetensors(tensor('"shape":[1.5,4],"data_offsets":[0,24]')),
    /malformed shape \[1\.5,4\]/,
  ],
  [
    "has a million axes",
    safetensors(tensor(`"shape":[${"1,".repeat(1_000_000)}6],"data_offsets":[0,24]`)),
    /malformed shape \[1,1,.*…/,
  ],
  ["has NaN as offset", safetensors(tensor('"shape":[2,3],"data_offsets":[0,NaN]')), /not JSON/],
  [
    "has tensors that overlap",
    safetensors(
      '{"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"y":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}',
    ),
    /tensor "y" starts at byte 8; expected 24/,
  ],
  [
    "has a tensor past the end",
    safetensors(tensor('"shape":[2,3],"data_offsets":[8,32]')),
    /starts at byte 8; expected 0/,
  ],
  [
    "has a tensor twice",
    safetensors(
      '{"x":{"dtype":"F32","shape":[6],"data_offsets":[0,24]},"x":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}}',
    ),
    /the key "x" comes twice/,
  ],
  [
    "has a name with lines",
    safetensors('{"a\\nerror: all is well\\u001b[2J":{"dtype":"F32","shape":[6],"data_offsets":[1,25]}}'),
    /tensor "a\\nerror: all is well\\u001b\[2J" starts/,
  ],
  ["sets a prototype", safetensors('{"__proto__":{"polluted":true}}', 0), /unknown element type/],
  ["is no UTF-8", safetensors("{}", 0).map((byte, at) => (at === 8 ? 0xff : byte)), /not UTF-8/],
];

const CSV: readonly (readonly [string, Uint8Array, RegExp])[] = [
  [
    "has formulas",
    text("x.0,x.1,x.2\n=cmd|' /C calc'!A0,1,2\n"),
    /line 2, column x\.0: got "=cmd\|' \/C calc'!A0", expected a number/,
  ],
  ["has a formula as title", text("=1+1\n1\n"), /no array for the input "x"; got "=1\+1"/],
  ["has escapes in a title", text("\u001b[2J\u202e\n1\n"), /\\u001b\[2J\\u202e/],
  ["has escapes in a cell", text("x\n\u001b[2J\n"), /got "\\u001b\[2J"/],
  ["has rows of other lengths", text("x.0,x.1,x.2\n1,2,3\n1,2\n"), /line 3 has 2 fields; expected 3/],
  ["has 30 million columns", new Uint8Array(30_000_000).fill(44), /no line of numbers|at least one line/],
  [
    "has 2 million columns and a row",
    joined(new Uint8Array(2_000_000).fill(44), text("\n1")),
    /^LIMIT_EXCEEDED .*got 2000001 columns/,
  ],
  [
    "has 20 million empty rows and one more",
    joined(text("x"), new Uint8Array(20_000_000).fill(10), text("1")),
    /line 2, column x: got "", expected a number/,
  ],
  [
    "has a cell of megabytes",
    joined(text("x\n"), new Uint8Array(5_000_000).fill(97)),
    /line 2, column x: got "a+", expected/,
  ],
  ["has a NUL", text("x\n\u0000\n"), /got "\\u0000"/],
  ["has hexadecimal", text("x\n0x10\n"), /got "0x10"/],
  ["is UTF-16", Buffer.from("\ufeffx\n1\n", "utf16le"), /not UTF-8/],
  ["has a column that every object has", text("__proto__\n1\n"), /got "__proto__"/],
  ["is one title", text("x"), /at least one line of numbers/],
];

const idx = (type: number, axes: number, ...sizes: readonly number[]): Uint8Array =>
  joined([0, 0, type, axes], ...sizes.map((size) => [24, 16, 8, 0].map((bits) => (size >>> bits) & 255)));
const IDX: readonly (readonly [string, Uint8Array, RegExp])[] = [
  [
    "claims 2^96 elements",
    idx(0x0d, 3, 0xffffffff, 0xffffffff, 0xffffffff),
    /ends early; got 0 bytes of elements, expected more than 2\^53/,
  ],
  ["claims 255 axes", idx(0x0d, 255, ...Array.from({ length: 255 }, () => 0xffffffff)), /too many axes; got 255/],
  ["claims axes that are not there", idx(0x0d, 200, 1), /ends inside its header/],
  ["has a zero beside a product past 2^53", idx(0x0d, 4, 0xffffffff, 0xffffffff, 0xffffffff, 0), /the shape is wrong/],
  ["has an unknown type", idx(0x07, 1, 1), /not an IDX file/],
  ["is empty", new Uint8Array(), /not an IDX file/],
];

const table = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "x", data: [1, 2, 3, 4], type: "FLOAT" }] }));
const footer = new DataView(table.buffer, table.byteOffset).getUint32(table.length - 8, true);
const patched = (at: number, ...bytes: readonly number[]): Uint8Array => {
  const result = table.slice();
  result.set(bytes, at);
  return result;
};
const PARQUET: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["has a footer of 4 GB", patched(table.length - 8, 255, 255, 255, 255), /not a readable Parquet file/],
  ["has a footer of no bytes", patched(table.length - 8, 0, 0, 0, 0), /not a readable Parquet file/],
  ["has another magic number", patched(table.length - 4, 80, 65, 82, 69), /not a readable Parquet file/],
  [
    "has zeros for its footer",
    patched(table.length - 8 - footer, ...new Array<number>(footer).fill(0)),
    /not a readable Parquet file|no array/,
  ],
  [
    "has 0xff for its footer",
    patched(table.length - 8 - footer, ...new Array<number>(footer).fill(255)),
    /not a readable Parquet file/,
  ],
  [
    "has random pages",
    patched(4, ...Array.from({ length: table.length - footer - 12 }, (_, at) => (at * 37) & 255)),
    /data file/,
  ],
  ["is cut in its footer", table.subarray(0, table.length - 9), /not a readable Parquet file/],
  ["is text", text("PAR1 and no more"), /not a readable Parquet file/],
  ["is empty", new Uint8Array(), /not a readable Parquet file/],
  [
    "has a name with lines",
    new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "a\nb\u001b[2J", data: ["t"], type: "STRING" }] })),
    /the column "a\\nb\\u001b\[2J" is no column of numbers/,
  ],
];

describe.each([
  ["npy", NPY],
  ["npz", NPZ],
  ["safetensors", SAFETENSORS],
  ["csv", CSV],
  ["idx", IDX],
  ["parquet", PARQUET],
] as const)("a .%s file that", (ending, cases) => {
  it.each(cases)("%s is refused", async (_, bytes, reason) => {
    const [once, twice] = [await read(`d.${ending}`, bytes), await read(`d.${ending}`, bytes)];
    expect(once).toMatch(reason);
    expect(twice).toBe(once);
  });
});

describe("undamaged files beside them", () => {
  it.each([
    ["d.npy", array],
    ["d.npy", npy("{ 'shape':(2,3,) ,'fortran_order': True,'descr':'>f4'}")],
    [
      "d.npz",
      zipped([
        { name: "x.npy", content: deflateRawSync(array), method: 8, plainBytes: array.length, checksum: crc32(array) },
      ]),
    ],
    ["d.safetensors", safetensors(tensor('"shape":[2,3],"data_offsets":[0,24]'))],
    ["d.csv", text("x.0,x.1,x.2\r\n1,2,3\r\n\r\n")],
    ["d.idx", joined(idx(0x0d, 2, 2, 3), new Uint8Array(24))],
  ])("%s is read", async (name, bytes) => {
    expect(await read(name, bytes)).toBe("read");
  });
});

describe("a module that", () => {
  const deep = Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], 1);
  const samples: readonly (readonly [string, () => unknown, RegExp])[] = [
    ["gives nothing to go through", () => 7, /it failed in epoch 0; /],
    [
      "throws",
      () => {
        throw new Error("no disk\nerror: all is well");
      },
      /it failed in epoch 0; no disk\.$/,
    ],
    [
      "throws what is no error",
      () => {
        throw { toString: () => "x" } as unknown as Error;
      },
      /it threw what is no error/,
    ],
    ["yields null", () => [null], /it yields no sample; got null/],
    ["yields text", () => ["x"], /it yields no sample; got string/],
    ["nests 100,000 arrays", () => [{ x: deep }], /"x" of a sample has more than 64 axes/],
    ["yields symbols", () => [{ x: [Symbol("a"), 1, 2] }], /"x" of a sample holds symbol; expected float32/],
    ["yields texts for numbers", () => [{ x: ["1\n2", 1, 2] }], /"x" of a sample holds "1\\n2"; expected float32/],
    ["yields NaN", () => [{ x: [NaN, 1, 2] }], /"x" of a sample holds NaN/],
    ["yields names with lines", () => [{ "a\nb": 1 }], /a sample has no "x"; got "a\\nb"/],
  ];
  it.each(samples)("%s is refused", async (_, make, reason) => {
    const dataset = samplesDataset(INPUTS, { default: make }, { seed: 0, microbatches: 1, source: "/d.mjs" });
    const error: unknown = await dataset.feeds(0, 0).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PipewrightError);
    expect((error as PipewrightError).message).toMatch(/^data module \/d\.mjs: [^\n]*$/);
    expect((error as PipewrightError).message).toMatch(reason);
  });
});
