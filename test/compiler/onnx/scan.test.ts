/** @file Bytes that are no model, or too much of one: each refused before it is decoded, with where and why. */
import { describe, expect, test } from "vitest";
import { PipewrightError } from "../../../compiler/errors.js";
import { decodeModel } from "../../../compiler/onnx/codec.js";
import type { ModelLimits } from "../../../compiler/onnx/limits.js";
import { DEFAULT_LIMITS } from "../../../compiler/onnx/limits.js";
import { bytesField } from "../../../compiler/onnx/wire.js";
import { modelBytes } from "../../support/proto-model.js";

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const bytes = (...numbers: readonly number[]): Uint8Array => Uint8Array.from(numbers);
const GRAPH = 7;
const NODE = 1;

function nested(depth: number): Uint8Array {
  let graph = bytesField(2, text("deep"));
  for (let level = 0; level < depth; level++) graph = bytesField(NODE, bytesField(5, bytesField(6, graph)));
  return bytesField(GRAPH, graph);
}

function errorOf(model: Uint8Array, limits: Partial<ModelLimits> = {}): PipewrightError {
  try {
    decodeModel(model, { ...DEFAULT_LIMITS, ...limits });
  } catch (error) {
    if (error instanceof PipewrightError) return error;
    throw error;
  }
  throw new Error("accepted");
}

describe("what is no model", () => {
  test.each([
    ["nothing", bytes(), "model file: no ONNX model; the file is empty."],
    [
      "a pointer of Git LFS",
      text("version https://git-lfs.github.com/spec/v1\noid sha256:00"),
      "model file: no ONNX model; this is a Git LFS pointer. Run `git lfs pull` to get the model itself.",
    ],
    [
      "a zip file",
      bytes(0x50, 0x4b, 3, 4, 0, 0),
      "model file: no ONNX model; this is a ZIP archive (a PyTorch .pt file is one). Export the model to ONNX first.",
    ],
    ["text", text("hello, world"), "model file: no ONNX model; this is a text file."],
    ["zeros", new Uint8Array(64), "model file: no ONNX model; the file holds zeros only."],
    ["a message without a graph", bytesField(2, text("exporter")), "model file: no ONNX model; it holds no graph."],
  ])("%s", (_what, model, message) => {
    const error = errorOf(model);
    expect(error.message).toBe(message);
    expect(error.code).toBe("MODEL_MALFORMED");
  });
});

describe("broken bytes", () => {
  const end = "The file is damaged or is no ONNX model.";
  test.each([
    [
      "a length beyond the end",
      bytes(GRAPH * 8 + 2, 100, 1),
      `model file: at byte 1 a field claims 100 bytes, but its message ends after 1. ${end}`,
    ],
    [
      "a number of 11 bytes",
      bytes(8, ...new Array<number>(10).fill(0xff), 1),
      `model file: at byte 1 a number has more than 10 bytes. ${end}`,
    ],
    [
      "a number of more than 64 bits",
      bytes(8, ...new Array<number>(9).fill(0xff), 2),
      `model file: at byte 1 a number has more than 64 bits. ${end}`,
    ],
    ["wire type 6", bytes(14), `model file: at byte 0 field 1 has the wire type 6, which does not exist. ${end}`],
    ["field 0", bytes(2, 0), `model file: at byte 0 a field has the number 0. ${end}`],
    ["an open group", bytes(0x9b, 0x06, 8, 1), `model file: at byte 2 the group of field 99 has no end. ${end}`],
    [
      "text that is not UTF-8",
      bytesField(GRAPH, bytesField(NODE, bytesField(3, bytes(0xff)))),
      "graph.node[0].name: the text at byte 6 is not UTF-8. The file is damaged or was written by a broken exporter.",
    ],
    [
      "two graphs",
      bytes(...bytesField(GRAPH, bytes()), ...bytesField(GRAPH, bytes())),
      "graph: given twice; the second one starts at byte 2. Write the model with one.",
    ],
  ])("%s", (_what, model, message) => {
    expect(errorOf(model).message).toBe(message);
  });

  test("every cut of a good model is refused or decodes", () => {
    const model = modelBytes({
      nodes: [{ op: "Relu", inputs: ["x"], outputs: ["y"] }],
      inputs: { x: "float32[2]" },
      outputs: ["y"],
    });
    let refused = 0;
    for (let length = 0; length < model.length; length++) {
      try {
        decodeModel(model.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(PipewrightError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(model.length * 0.9);
  });
});

describe("limits", () => {
  const repeated = (field: number, count: number): Uint8Array => {
    const part = bytesField(field, bytes());
    const whole = new Uint8Array(part.length * count);
    for (let at = 0; at < count; at++) whole.set(part, at * part.length);
    return bytesField(GRAPH, whole);
  };
  const raise = (name: string, found: number): string => `Raise it with --limit ${name}=${found}.`;

  test.each<[string, Uint8Array, Partial<ModelLimits>, string]>([
    [
      "nesting",
      nested(40),
      {},
      `nesting of graph${".node[0].attribute[0].g".repeat(33)}.node[0] is over the limit; got 101, the limit is 100. ${raise("nesting", 101)}`,
    ],
    [
      "nodes",
      repeated(NODE, 6),
      { nodes: 5 },
      `number of nodes is over the limit; got 6, the limit is 5. ${raise("nodes", 6)}`,
    ],
    [
      "tensors",
      repeated(5, 6),
      { tensors: 5 },
      `number of tensors is over the limit; got 6, the limit is 5. ${raise("tensors", 6)}`,
    ],
    [
      "messages",
      repeated(13, 6),
      { messages: 5 },
      `number of messages in the model file is over the limit; got 6, the limit is 5. ${raise("messages", 6)}`,
    ],
    [
      "file",
      new Uint8Array(11),
      { fileBytes: 10 },
      `size of the model file is over the limit; got 11, the limit is 10. ${raise("fileBytes", 11)}`,
    ],
    [
      "names",
      bytesField(GRAPH, bytesField(2, text("a".repeat(9)))),
      { nameBytes: 8 },
      `length of graph.name is over the limit; got 9, the limit is 8. ${raise("nameBytes", 9)}`,
    ],
  ])("%s", (_what, model, limits, message) => {
    const error = errorOf(model, limits);
    expect(error.message).toBe(message);
    expect(error.code).toBe("LIMIT_EXCEEDED");
  });

  test("ten million empty tensors are refused before memory is spent on them", () => {
    const pairs = new Uint16Array(10_000_000).fill(5 * 8 + 2);
    const model = bytesField(GRAPH, new Uint8Array(pairs.buffer));
    const before = process.memoryUsage().rss;
    expect(errorOf(model).message).toBe(
      `number of tensors is over the limit; got 1000001, the limit is 1000000. ${raise("tensors", 1_000_001)}`,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });
});
