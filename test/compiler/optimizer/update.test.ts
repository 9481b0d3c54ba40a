/** @file Optimizer updates on the engine, bit for bit against float32 arithmetic written out in JavaScript. */
import { afterAll, describe, expect, it } from "vitest";
import { exportGraph } from "../../../compiler/onnx/export.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { stateCount, stepScalars, updateGraph } from "../../../compiler/optimizer/update.js";
import type { OptimizerSpec } from "../../../compiler/plan/plan.js";
import { RandomStream } from "../../../compiler/random.js";
import type { Buffer } from "../../../runtime/engine/engine.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { f32 } from "../../support/onnx-model.js";
import { adamwStep, sgdStep } from "../../support/update-oracle.js";
import { ADAMW, SGD } from "../../support/tiny-models.js";

const ELEMENTS = 37;
const MICROBATCHES = 3;
const STEPS = 4;

const engine = createOrtEngine();
afterAll(() => {
  engine.close();
});

const OPTIMIZERS: readonly [string, OptimizerSpec][] = [
  ["SGD with momentum and weight decay", SGD],
  ["SGD without either", { kind: "sgd", learningRate: 0.1, momentum: 0, weightDecay: 0 }],
  ["AdamW", ADAMW],
  ["AdamW without weight decay", { ...ADAMW, weightDecay: 0 }],
];

describe.each(OPTIMIZERS)("%s", (_, optimizer) => {
  it("gives the bits of float32 arithmetic, in place, over several steps", () => {
    const stream = new RandomStream(3, "update");
    const numbers = (): Float32Array => Float32Array.from({ length: ELEMENTS }, () => stream.normal());
    const program = engine.load(exportGraph(updateGraph(optimizer, [ELEMENTS], OPS)));
    const param = numbers();
    const states = Array.from({ length: stateCount(optimizer) }, () => new Float32Array(ELEMENTS));
    const buffers = new Map(
      program.inputs.map((name, index): [string, Buffer] => {
        const buffer = engine.allocate(index < 2 + states.length ? f32(ELEMENTS) : f32());
        engine.write(buffer, new Uint8Array(buffer.bytes));
        return [name, buffer];
      }),
    );
    const write = (name: string, values: Float32Array): void => {
      engine.write(buffers.get(name)!, new Uint8Array(values.buffer));
    };
    const inPlace = ["param", ...states.map((_, index) => `state${index}`)];
    const outputs = new Map(program.outputs.map((name, index) => [name, buffers.get(inPlace[index]!)!]));
    const binding = program.bind(buffers, outputs);
    write("param", param);
    for (let step = 1; step <= STEPS; step++) {
      const gradSum = numbers();
      write("gradSum", gradSum);
      for (const { name, value } of stepScalars(optimizer, step, 1 / MICROBATCHES, undefined))
        write(name, Float32Array.of(value));
      binding.run();
      if (optimizer.kind === "sgd") sgdStep(optimizer, param, gradSum, states[0]!, 1 / MICROBATCHES);
      else adamwStep(optimizer, param, gradSum, [states[0]!, states[1]!], step, 1 / MICROBATCHES);
      for (const [index, name] of inPlace.entries()) {
        const wanted = index === 0 ? param : states[index - 1]!;
        expect(new Uint8Array(engine.read(buffers.get(name)!)), `${name} after step ${step}`).toEqual(
          new Uint8Array(wanted.buffer),
        );
      }
    }
    program.free();
    for (const buffer of buffers.values()) buffer.free();
  });
});
