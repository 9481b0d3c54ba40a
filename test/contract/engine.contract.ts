/** @file What every Engine promises, as a suite that runs against any of them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType, TensorType } from "../../compiler/ir/graph.js";
import type { Buffer, Engine } from "../../runtime/engine/engine.js";
import { alignedBytes } from "../support/aligned.js";
import { f32, onnxModel } from "../support/onnx-model.js";

const ADD = onnxModel([{ op: "Add", inputs: ["a", "b"], outputs: ["y"] }], { a: f32(4), b: f32(4) }, { y: f32(4) });
const SCALED = Float32Array.of(1, 2, 3, 4);

/** Runs the suite on one engine from `make`. */
export function engineContract(make: () => Engine): void {
  let engine: Engine;
  beforeAll(() => {
    engine = make();
  });
  afterAll(() => {
    engine.close();
  });

  const holding = (values: Float32Array): Buffer => {
    const buffer = engine.allocate(f32(values.length));
    engine.write(buffer, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return buffer;
  };
  const floats = (buffer: Buffer): number[] => [...new Float32Array(engine.read(buffer).buffer)];

  it("names its library and version", () => {
    expect(engine.version).toMatch(/\d+\.\d+/);
  });

  it("runs a graph on bound buffers, as often as it is asked", async () => {
    const program = engine.load(ADD);
    expect([program.inputs, program.outputs]).toEqual([["a", "b"], ["y"]]);
    const [a, b, y] = [holding(SCALED), holding(SCALED), engine.allocate(f32(4))];
    const binding = program.bind(
      new Map([
        ["a", a],
        ["b", b],
      ]),
      new Map([["y", y]]),
    );
    binding.run();
    expect(floats(y)).toEqual([2, 4, 6, 8]);
    engine.copy(y, a);
    await binding.runAsync();
    expect(floats(y)).toEqual([3, 6, 9, 12]);
    program.free();
  });

  it("computes in place when an output shares its buffer with an input", () => {
    const program = engine.load(ADD);
    const [sum, b] = [holding(SCALED), holding(SCALED)];
    const binding = program.bind(
      new Map([
        ["a", sum],
        ["b", b],
      ]),
      new Map([["y", sum]]),
    );
    for (let run = 0; run < 3; run++) binding.run();
    expect(floats(sum)).toEqual([4, 8, 12, 16]);
    program.free();
  });

  it("reads what is written after binding, also where a node runs on another processor", () => {
    const type = { dtype: "int64", shape: [2] } as const;
    const program = engine.load(
      onnxModel([{ op: "Add", inputs: ["a", "b"], outputs: ["y"] }], { a: type, b: type }, { y: type }),
    );
    const [a, b, y] = [engine.allocate(type), engine.allocate(type), engine.allocate(type)];
    const write = (buffer: Buffer, ...numbers: bigint[]): void => {
      engine.write(buffer, new Uint8Array(BigInt64Array.from(numbers).buffer));
    };
    write(a, 1n, 2n);
    write(b, 10n, 20n);
    const binding = program.bind(
      new Map([
        ["a", a],
        ["b", b],
      ]),
      new Map([["y", y]]),
    );
    const sums = (): bigint[] => [...new BigInt64Array(engine.read(y).buffer)];
    binding.run();
    expect(sums()).toEqual([11n, 22n]);
    write(a, 3n, 4n);
    binding.run();
    expect(sums()).toEqual([13n, 24n]);
    program.free();
  });

  it("brings shared memory up to date on both sides", () => {
    const program = engine.load(ADD);
    const memory = [alignedBytes(16), alignedBytes(16)] as const;
    const [input, output] = [engine.adopt(memory[0], f32(4)), engine.adopt(memory[1], f32(4))];
    const binding = program.bind(
      new Map([
        ["a", input],
        ["b", holding(SCALED)],
      ]),
      new Map([["y", output]]),
    );
    new Float32Array(memory[0].buffer, memory[0].byteOffset, 4).set([10, 20, 30, 40]);
    input.pull();
    binding.run();
    output.push();
    expect([...new Float32Array(memory[1].buffer, memory[1].byteOffset, 4)]).toEqual([11, 22, 33, 44]);
    program.free();
  });

  it("reads into fresh memory", () => {
    const buffer = holding(SCALED);
    const before = engine.read(buffer);
    engine.write(buffer, new Uint8Array(16));
    expect([...new Float32Array(before.buffer)]).toEqual([...SCALED]);
    expect(floats(buffer)).toEqual([0, 0, 0, 0]);
  });

  it("holds tensors without elements", () => {
    const none = f32(0, 3);
    const [x, y] = [engine.allocate(none), engine.allocate(none)];
    expect(x.bytes).toBe(0);
    engine.write(x, new Uint8Array(0));
    engine.copy(x, y);
    expect(engine.read(y).byteLength).toBe(0);
  });

  it.each<[DType, number]>([
    ["float64", 8],
    ["float16", 2],
    ["bfloat16", 2],
    ["int64", 8],
    ["int32", 4],
    ["int16", 2],
    ["int8", 1],
    ["uint64", 8],
    ["uint32", 4],
    ["uint16", 2],
    ["uint8", 1],
    ["bool", 1],
  ])("keeps the bytes of %s tensors", (dtype, bytesPerElement) => {
    const type: TensorType = { dtype, shape: [2, 2] };
    const [from, to] = [engine.allocate(type), engine.allocate(type)];
    const bytes = Uint8Array.from({ length: 4 * bytesPerElement }, (_, at) => at % 2);
    expect(from.bytes).toBe(bytes.byteLength);
    engine.write(from, bytes);
    engine.copy(from, to);
    expect(engine.read(to)).toEqual(bytes);
    from.free();
    to.free();
  });

  it("gives the time of every node by name", async () => {
    const model = onnxModel(
      [
        { op: "Add", inputs: ["a", "b"], outputs: ["s"], name: "first/sum" },
        { op: "Add", inputs: ["s", "b"], outputs: ["y"], name: "second/sum" },
      ],
      { a: f32(4), b: f32(4) },
      { y: f32(4) },
    );
    const [a, b, y] = [holding(SCALED), holding(SCALED), engine.allocate(f32(4))];
    const times = await engine.timeNodes(
      model,
      new Map([
        ["a", a],
        ["b", b],
      ]),
      new Map([["y", y]]),
      3,
    );
    expect([...times.keys()].sort()).toEqual(["first/sum", "second/sum"]);
    for (const ms of times.values()) expect(ms).toBeGreaterThanOrEqual(0);
    expect(floats(y)).toEqual([3, 6, 9, 12]);
  });

  describe("refuses", () => {
    it("bytes that are no model, with the library's reason", () => {
      expect(() => engine.load(Uint8Array.of(1, 2, 3))).toThrow(
        expect.objectContaining({
          code: "MODEL_UNSUPPORTED",
          message: expect.stringContaining("protobuf parsing failed") as string,
        }),
      );
    });

    it("an op it does not have, naming it", () => {
      const model = onnxModel(
        [{ op: "Nonesuch", inputs: ["a"], outputs: ["y"], name: "n1" }],
        { a: f32(1) },
        { y: f32(1) },
      );
      expect(() => engine.load(model)).toThrow(/refuses the graph; .*\("n1", Nonesuch/);
    });

    it("bindings with missing or unknown names", () => {
      const program = engine.load(ADD);
      const buffer = holding(SCALED);
      const both = new Map([
        ["a", buffer],
        ["b", buffer],
      ]);
      expect(() => program.bind(new Map([["a", buffer]]), new Map([["y", buffer]]))).toThrow('binding lacks input "b"');
      expect(() => program.bind(both, new Map())).toThrow('binding lacks output "y"');
      expect(() => program.bind(new Map([...both, ["c", buffer]]), new Map([["y", buffer]]))).toThrow(
        'no input "c"; it has "a", "b"',
      );
      program.free();
    });

    it("buffers of another shape or type when they run", () => {
      const program = engine.load(ADD);
      const [a, y] = [holding(SCALED), holding(SCALED)];
      const wrong = [f32(5), { dtype: "float64", shape: [4] } as const].map((type) => engine.allocate(type));
      for (const b of wrong) {
        expect(() => {
          program
            .bind(
              new Map([
                ["a", a],
                ["b", b],
              ]),
              new Map([["y", y]]),
            )
            .run();
        }).toThrow(expect.objectContaining({ code: "TRAINING_FAULT" }));
      }
      program.free();
    });

    it("writes, copies and adoptions of another size", () => {
      const [small, large] = [engine.allocate(f32(4)), engine.allocate(f32(5))];
      expect(() => {
        engine.write(small, new Uint8Array(15));
      }).toThrow("15 bytes are written to a buffer of 16");
      expect(() => {
        engine.copy(small, large);
      }).toThrow("16 bytes are copied to a buffer of 20");
      expect(() => engine.adopt(alignedBytes(12), f32(4))).toThrow("adopted memory has 12 bytes, the tensor 16");
      expect(() => engine.adopt(alignedBytes(20).subarray(4), f32(4))).toThrow("starts 4 bytes past a multiple of 64");
    });

    it("what was freed", () => {
      const program = engine.load(ADD);
      const [a, y] = [holding(SCALED), holding(SCALED)];
      const binding = program.bind(
        new Map([
          ["a", a],
          ["b", a],
        ]),
        new Map([["y", y]]),
      );
      binding.free();
      binding.free();
      expect(() => {
        binding.run();
      }).toThrow("a binding runs after it was freed");
      a.free();
      a.free();
      expect(() => engine.read(a)).toThrow("a buffer is used after it was freed");
      program.free();
      program.free();
      expect(() => program.bind(new Map(), new Map())).toThrow("a program is bound after it was freed");
    });
  });

  it("keeps the memory of a freed buffer while a binding uses it", () => {
    const program = engine.load(ADD);
    const [a, b, y] = [holding(SCALED), holding(SCALED), holding(SCALED)];
    const binding = program.bind(
      new Map([
        ["a", a],
        ["b", b],
      ]),
      new Map([["y", y]]),
    );
    a.free();
    b.free();
    binding.run();
    expect(floats(y)).toEqual([2, 4, 6, 8]);
    program.free();
  });

  it("ends a run under way before what it uses is freed", async () => {
    const program = engine.load(ADD);
    const [a, y] = [holding(SCALED), holding(SCALED)];
    const binding = program.bind(
      new Map([
        ["a", a],
        ["b", a],
      ]),
      new Map([["y", y]]),
    );
    const running = binding.runAsync();
    binding.free();
    program.free();
    a.free();
    await running;
    expect(floats(y)).toEqual([2, 4, 6, 8]);
  });
}
