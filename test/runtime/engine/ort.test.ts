/** @file Bits of the CPU engine: they depend on the graph and the numbers alone. */
import { describe, expect, it } from "vitest";
import type { TensorType } from "../../../compiler/ir/graph.js";
import type { Engine } from "../../../runtime/engine/engine.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { libraryPath } from "../../../runtime/engine/ort/library.js";
import { alignedBytes } from "../../support/aligned.js";
import { f32, onnxModel } from "../../support/onnx-model.js";
import type { ModelNode } from "../../support/onnx-model.js";

/** Deterministic values of mixed size and sign. */
function waves(count: number, phase: number): Float32Array {
  return Float32Array.from({ length: count }, (_, at) => Math.sin(at * 7.3 + phase) * Math.exp(Math.cos(at + phase)));
}

/** Runs nodes once on named values and gives the bytes of the outputs. */
function evaluate(
  engine: Engine,
  nodes: readonly ModelNode[],
  inputs: Readonly<Record<string, readonly [TensorType, Float32Array]>>,
  outputs: Readonly<Record<string, TensorType>>,
): Readonly<Record<string, Uint8Array>> {
  const types = Object.fromEntries(Object.entries(inputs).map(([name, [type]]) => [name, type]));
  const program = engine.load(onnxModel(nodes, types, outputs));
  const bound = new Map(
    Object.entries(inputs).map(([name, [type, values]]) => {
      const buffer = engine.allocate(type);
      engine.write(buffer, new Uint8Array(values.buffer));
      return [name, buffer] as const;
    }),
  );
  const results = new Map(Object.entries(outputs).map(([name, type]) => [name, engine.allocate(type)] as const));
  program.bind(bound, results).run();
  program.free();
  return Object.fromEntries([...results].map(([name, buffer]) => [name, engine.read(buffer)]));
}

const MATMUL: ModelNode = { op: "MatMul", inputs: ["x", "w"], outputs: ["h"] };
const GELU: ModelNode = { op: "Gelu", inputs: ["h"], outputs: ["g"] };
const ADD: ModelNode = { op: "Add", inputs: ["g", "x"], outputs: ["s"] };
const SOFTMAX: ModelNode = { op: "Softmax", inputs: ["s"], outputs: ["y"], ints: { axis: -1 } };
const X = [f32(48, 64), waves(48 * 64, 0)] as const;
const W = [f32(64, 64), waves(64 * 64, 1)] as const;

describe("bits", () => {
  it("do not depend on where a graph is cut", () => {
    const engine = createOrtEngine();
    const whole = evaluate(engine, [MATMUL, GELU, ADD, SOFTMAX], { x: X, w: W }, { y: f32(48, 64) });
    const first = evaluate(engine, [MATMUL, GELU], { x: X, w: W }, { g: f32(48, 64) });
    const g = [f32(48, 64), new Float32Array(first["g"]!.buffer)] as const;
    const second = evaluate(engine, [ADD, SOFTMAX], { g, x: X }, { y: f32(48, 64) });
    expect(second["y"]).toEqual(whole["y"]);
    engine.close();
  });

  it("do not depend on the number of threads", () => {
    const [one, two] = [1, 2].map((threads) => {
      const engine = createOrtEngine({ threads });
      const result = evaluate(engine, [MATMUL, GELU, ADD, SOFTMAX], { x: X, w: W }, { y: f32(48, 64) });
      engine.close();
      return result["y"];
    });
    expect(two).toEqual(one);
  });

  it("do not depend on where an adopted buffer lies", () => {
    const engine = createOrtEngine();
    const model = onnxModel([{ op: "ReduceSum", inputs: ["x"], outputs: ["y"] }], { x: f32(1003) }, { y: f32(1) });
    const program = engine.load(model);
    const sums = [0, 64, 192, 4096].map((offset) => {
      const memory = alignedBytes(8192).subarray(offset, offset + 1003 * 4);
      memory.set(new Uint8Array(waves(1003, 2).buffer));
      const y = engine.allocate(f32(1));
      program.bind(new Map([["x", engine.adopt(memory, f32(1003))]]), new Map([["y", y]])).run();
      return new Float32Array(engine.read(y).buffer)[0];
    });
    expect(new Set(sums).size).toBe(1);
    engine.close();
  });

  it("keep denormal numbers, on this thread and on the engine's, and leave JavaScript's alone", async () => {
    const engine = createOrtEngine();
    const program = engine.load(
      onnxModel(
        [
          { op: "Identity", inputs: ["x"], outputs: ["c"] },
          { op: "Mul", inputs: ["c", "c"], outputs: ["y"] },
        ],
        { x: f32(1) },
        { y: f32(1) },
      ),
    );
    const [x, y] = [engine.allocate(f32(1)), engine.allocate(f32(1))];
    engine.write(x, new Uint8Array(Float32Array.of(1e-20).buffer));
    const binding = program.bind(new Map([["x", x]]), new Map([["y", y]]));
    const tiny = Math.fround(Math.fround(1e-20) * Math.fround(1e-20));
    const got = (): number => new Float32Array(engine.read(y).buffer)[0]!;
    binding.run();
    expect(got()).toBe(tiny);
    await binding.runAsync();
    expect(got()).toBe(tiny);
    expect(Number.MIN_VALUE * 2).toBeGreaterThan(0);
    engine.close();
  });
});

describe("the library", () => {
  it("is looked for by system and processor", () => {
    expect(libraryPath("win32", "x64")).toMatch(/win32.x64.onnxruntime\.dll$/);
    expect(libraryPath("darwin", "arm64")).toMatch(/darwin.arm64.libonnxruntime\.1\.dylib$/);
  });

  it("is not there for other systems, which are told", () => {
    expect(() => libraryPath("sunos", "x64")).toThrow(
      /no library for this system; got sunos x64, expected one of linux x64/,
    );
  });
});

describe("memory", () => {
  it("comes back when programs and buffers are freed", () => {
    const engine = createOrtEngine();
    const model = onnxModel([{ op: "Relu", inputs: ["x"], outputs: ["y"] }], { x: f32(1 << 18) }, { y: f32(1 << 18) });
    const round = (): void => {
      const program = engine.load(model);
      const [x, y] = [engine.allocate(f32(1 << 18)), engine.allocate(f32(1 << 18))];
      program.bind(new Map([["x", x]]), new Map([["y", y]])).run();
      x.free();
      y.free();
      program.free();
    };
    for (let count = 0; count < 100; count++) round();
    const before = process.memoryUsage.rss();
    for (let count = 0; count < 400; count++) round();
    const grownMib = (process.memoryUsage.rss() - before) / 2 ** 20;
    // 400 rounds hold 800 MiB in all; a leak of one buffer or session a round would show as hundreds.
    expect(grownMib).toBeLessThan(150);
    engine.close();
  });
});
