/** @file The far side of a pipeline of two: doubles what the parent's graph wrote into shared memory, in place of a copy. */
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { connectParent } from "../../../runtime/env/parent.js";
import { f32, onnxModel } from "../../support/onnx-model.js";

interface Argument {
  readonly memory: string;
  readonly elements: number;
  readonly rounds: number;
  /** Of the shared memory: words for both sides' progress, then input and output. */
  readonly offsets: { readonly parent: number; readonly child: number; readonly from: number; readonly to: number };
}

const parent = connectParent();
const { memory: name, elements, rounds, offsets } = parent.argument as Argument;
const memory = parent.env.memories.open(name);
const engine = createOrtEngine();
const type = f32(elements);
const program = engine.load(onnxModel([{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }], { x: type }, { y: type }));
const x = engine.adopt(memory.view(offsets.from, elements * 4), type);
const y = engine.adopt(memory.view(offsets.to, elements * 4), type);
const binding = program.bind(new Map([["x", x]]), new Map([["y", y]]));
const word = (offset: number): Int32Array => {
  const bytes = memory.view(offset, 4);
  return new Int32Array(bytes.buffer, bytes.byteOffset, 1);
};
const [given, taken] = [word(offsets.parent), word(offsets.child)];
parent.send("ready");
for (let round = 1; round <= rounds; round++) {
  while (Atomics.load(given, 0) < round) memory.wait(offsets.parent, round - 1, 10_000);
  binding.run();
  Atomics.store(taken, 0, round);
  memory.wake(offsets.child);
}
engine.close();
parent.leave();
