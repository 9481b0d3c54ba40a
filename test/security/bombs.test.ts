import { describe, expect, it } from "vitest";
import { importModel } from "../../compiler/onnx/import.js";
import { DEFAULT_LIMITS } from "../../compiler/onnx/limits.js";
import { scanModel } from "../../compiler/onnx/scan.js";
import { bytesField } from "../../compiler/onnx/wire.js";
import { doubling } from "../../scripts/bad/limit-cases.js";

describe("bombs", () => {
  it.each([16, 20, 40])("of 2^%i nodes in functions are counted, not inlined", (depth) => {
    expect(() => importModel(doubling(depth))).toThrow(
      /^number of nodes that inlining functions adds is over the limit/,
    );
  });

  it("of empty messages are refused before anything is decoded", () => {
    const tensors = new Uint8Array(20_000_000).map((_, at) => (at % 2 === 0 ? 0x2a : 0));
    const before = process.memoryUsage().rss;
    expect(() => scanModel(bytesField(7, tensors), DEFAULT_LIMITS)).toThrow(/^number of tensors is over the limit/);
    expect(process.memoryUsage().rss - before).toBeLessThan(60e6);
  });
});
