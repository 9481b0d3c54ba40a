import { describe, expect, it } from "vitest";
import { encodeModel } from "../../compiler/onnx/codec.js";
import { importModel } from "../../compiler/onnx/import.js";
import { DEFAULT_LIMITS } from "../../compiler/onnx/limits.js";
import { scanModel } from "../../compiler/onnx/scan.js";
import { bytesField } from "../../compiler/onnx/wire.js";
import { briefGraph, briefNode } from "../support/proto-model.js";

/** Functions that each call the next one twice: 2^depth nodes when inlined. */
function doubling(depth: number): Uint8Array {
  const call = (op: string, from: string, to: string) =>
    briefNode({ op, inputs: [from], outputs: [to], domain: op.startsWith("F") ? "d" : "" });
  const functions = Array.from({ length: depth }, (_, at) => {
    const next = at + 1 < depth ? `F${at + 1}` : "Relu";
    return {
      name: `F${at}`,
      domain: "d",
      input: ["a"],
      output: ["c"],
      node: [call(next, "a", "b"), call(next, "b", "c")],
    };
  });
  const graph = {
    ...briefGraph({ nodes: [], inputs: { x: "float32[1]" }, outputs: ["y"] }),
    node: [call("F0", "x", "y")],
  };
  const opset_import = [
    { domain: "", version: 21 },
    { domain: "d", version: 1 },
  ];
  return encodeModel({ ir_version: 8, opset_import, graph, functions });
}

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
