/** @file Optimizer updates on the engine, bit for bit against float32 arithmetic written out in JavaScript. */
import { afterAll, describe, expect, it } from "vitest";
import { exportGraph } from "../../../compiler/onnx/export.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { ADAMW as DEFAULTS } from "../../../compiler/optimizer/adamw.js";
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

/** The tensors of an update on the engine. */
interface State {
  readonly param: Float32Array;
  readonly states: readonly Float32Array[];
}

/** Updates `param` in place by gradients of STEPS steps, from states of zeros, and shows what each step makes. */
function forEachStep(
  optimizer: OptimizerSpec,
  param: Float32Array,
  show: (step: number, gradSum: Float32Array, now: State) => void,
): void {
  const stream = new RandomStream(3, "gradients");
  const program = engine.load(exportGraph(updateGraph(optimizer, [ELEMENTS], OPS)));
  const inPlace = ["param", ...Array.from({ length: stateCount(optimizer) }, (_, index) => `state${index}`)];
  const buffers = new Map(
    program.inputs.map((name, index): [string, Buffer] => {
      const buffer = engine.allocate(index <= inPlace.length ? f32(ELEMENTS) : f32());
      engine.write(buffer, new Uint8Array(buffer.bytes));
      return [name, buffer];
    }),
  );
  const write = (name: string, values: Float32Array): void => {
    engine.write(buffers.get(name)!, new Uint8Array(values.buffer));
  };
  const read = (name: string): Float32Array => new Float32Array(engine.read(buffers.get(name)!).slice().buffer);
  const outputs = new Map(program.outputs.map((name, index) => [name, buffers.get(inPlace[index]!)!]));
  const binding = program.bind(buffers, outputs);
  write("param", param);
  for (let step = 1; step <= STEPS; step++) {
    const gradSum = normals(stream);
    write("gradSum", gradSum);
    for (const { name, value } of stepScalars(optimizer, step, 1 / MICROBATCHES, undefined))
      write(name, Float32Array.of(value));
    binding.run();
    const [next, ...states] = inPlace.map(read);
    show(step, gradSum, { param: next!, states });
  }
  program.free();
  for (const buffer of buffers.values()) buffer.free();
}

function normals(stream: RandomStream): Float32Array {
  return Float32Array.from({ length: ELEMENTS }, () => stream.normal());
}

describe.each(OPTIMIZERS)("%s", (_, optimizer) => {
  it("gives the bits of float32 arithmetic, in place, over several steps", () => {
    const param = normals(new RandomStream(3, "parameter"));
    const states = Array.from({ length: stateCount(optimizer) }, () => new Float32Array(ELEMENTS));
    forEachStep(optimizer, param, (step, gradSum, now) => {
      if (optimizer.kind === "sgd") sgdStep(optimizer, param, gradSum, states[0]!, 1 / MICROBATCHES);
      else adamwStep(optimizer, param, gradSum, [states[0]!, states[1]!], step, 1 / MICROBATCHES);
      expect(now, `step ${step}`).toEqual({ param, states });
    });
  });
});

it.each([
  ["its defaults", DEFAULTS],
  ["an epsilon that counts", { ...DEFAULTS, epsilon: 0.01 }],
])("AdamW with %s makes what the paper's formulas make in float64, to some roundings", (_, optimizer) => {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = optimizer;
  const param = normals(new RandomStream(3, "parameter"));
  const wanted = [...param].map((value) => ({ param: value, first: 0, second: 0 }));
  forEachStep(optimizer, param, (step, gradSum, now) => {
    for (const [at, one] of wanted.entries()) {
      const gradient = gradSum[at]! / MICROBATCHES;
      one.first = beta1 * one.first + (1 - beta1) * gradient;
      one.second = beta2 * one.second + (1 - beta2) * gradient ** 2;
      const root = Math.sqrt(one.second / (1 - beta2 ** step));
      const change = one.first / (1 - beta1 ** step) / (root + epsilon);
      one.param -= learningRate * (weightDecay * one.param + change);
      const [first, second] = now.states;
      expect(Math.abs(now.param[at]! - one.param)).toBeLessThan(1e-6 * (Math.abs(one.param) + learningRate));
      expect(Math.abs(first![at]! - one.first)).toBeLessThan(1e-6);
      expect(Math.abs(second![at]! / one.second - 1)).toBeLessThan(1e-6);
    }
  });
});
