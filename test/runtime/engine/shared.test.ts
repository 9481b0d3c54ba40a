/** @file Two engines in two processes, or two threads, on the same tensors: what one writes the other reads, without a copy. */
import { describe, expect, it } from "vitest";
import type { Env } from "../../../runtime/env/env.js";
import type { Buffer } from "../../../runtime/engine/engine.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { nodeEnv } from "../../../runtime/env/node.js";
import { threadEnv } from "../../../runtime/env/thread.js";
import { compiledUrl } from "../../support/compiled.js";
import { f32, onnxModel } from "../../support/onnx-model.js";

const ELEMENTS = 1024;
const ROUNDS = 500;
/** A wake-up that has not come after this time is lost, however slow the machine is. */
const LOST_MS = 60_000;
const OFFSETS = { parent: 0, child: 64, from: 4096, to: 4096 + ELEMENTS * 4 };

/** Half of the logistic map x -> 3.8·x·(1−x), which is chaotic: a value that is lost or late shows in every bit. */
const HALF_STEP = onnxModel(
  [
    { op: "Sub", inputs: ["one", "x"], outputs: ["rest"] },
    { op: "Mul", inputs: ["x", "rest"], outputs: ["product"] },
    { op: "Mul", inputs: ["product", "rate"], outputs: ["y"] },
  ],
  { x: f32(ELEMENTS), one: f32(ELEMENTS), rate: f32(ELEMENTS) },
  { y: f32(ELEMENTS) },
);
const RATE = Math.fround(1.9);

async function exchange(env: Env): Promise<void> {
  const memory = env.memories.create(OFFSETS.to + ELEMENTS * 4);
  const child = env.processes.spawn(compiledUrl("test/runtime/engine/shared-child.js").href, {
    memory: memory.name,
    elements: ELEMENTS,
    rounds: ROUNDS,
    offsets: OFFSETS,
  });
  const ended = new Promise((resolve) => {
    child.onExit(resolve);
  });
  await new Promise((resolve) => {
    child.onMessage(resolve);
  });
  const engine = createOrtEngine();
  const type = f32(ELEMENTS);
  const constant = (value: number): Buffer => {
    const buffer = engine.allocate(type);
    engine.write(buffer, new Uint8Array(new Float32Array(ELEMENTS).fill(value).buffer));
    return buffer;
  };
  const program = engine.load(HALF_STEP);
  const from = engine.adopt(memory.view(OFFSETS.from, ELEMENTS * 4), type);
  const to = engine.adopt(memory.view(OFFSETS.to, ELEMENTS * 4), type);
  engine.write(
    to,
    new Uint8Array(Float32Array.from({ length: ELEMENTS }, (_, at) => (at + 1) / (ELEMENTS + 2)).buffer),
  );
  const step = program.bind(
    new Map<string, Buffer>([
      ["x", to],
      ["one", constant(1)],
      ["rate", constant(RATE)],
    ]),
    new Map([["y", from]]),
  );
  const given = memory.words(OFFSETS.parent, 1);
  const taken = memory.words(OFFSETS.child, 1);

  const expected = Float32Array.from({ length: ELEMENTS }, (_, at) => (at + 1) / (ELEMENTS + 2));
  for (let round = 1; round <= ROUNDS; round++) {
    step.run();
    Atomics.store(given, 0, round);
    memory.wake(OFFSETS.parent);
    while (Atomics.load(taken, 0) < round) {
      if (!memory.wait(OFFSETS.child, round - 1, LOST_MS)) throw new Error(`round ${round} was lost`);
    }
    expected.forEach(
      (value, at) => (expected[at] = 2 * Math.fround(Math.fround(value * Math.fround(1 - value)) * RATE)),
    );
  }
  expect(new Float32Array(engine.read(to).buffer)).toEqual(expected);
  engine.close();
  expect(await ended).toEqual({ code: 0, signal: null });
  memory.close();
}

describe("tensors in shared memory", () => {
  it.runIf(process.platform === "linux")("pass between processes", () => exchange(nodeEnv()));

  it("pass between threads", () => exchange(threadEnv()));
});
