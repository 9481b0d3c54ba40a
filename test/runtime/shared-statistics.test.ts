/** @file Two normalizations that share running statistics: they replace them one after another, on one stage or two devices. */
import { expect, it } from "vitest";
import { GraphBuilder } from "../../compiler/ir/builder.js";
import { OPS } from "../../compiler/ops/registry.js";
import { RandomStream } from "../../compiler/random.js";
import type { Feeds } from "../../runtime/dataset/dataset.js";
import { f32 } from "../support/onnx-model.js";
import type { TinyModel } from "../support/tiny-models.js";
import { SGD, TINY_MLP } from "../support/tiny-models.js";
import { trained } from "../support/training.js";

const [BATCH, CHANNELS] = [6, 2];
const MOMENTUM = 0.75;
const EPSILON = 1e-5;

function random(name: string, length: number): Float32Array {
  const stream = new RandomStream(1, name);
  return Float32Array.from({ length }, () => stream.normal());
}

const START: Readonly<Record<string, Float32Array>> = {
  scale: Float32Array.of(1.5, -0.5),
  bias: Float32Array.of(0.25, 0.5),
  mean: Float32Array.of(1, -1),
  variance: Float32Array.of(2, 3),
};
const X = random("x", BATCH * CHANNELS);

function model(): TinyModel {
  const builder = new GraphBuilder(OPS);
  let x = builder.input("x", f32(BATCH, CHANNELS));
  const params = Object.keys(START).map((name) => builder.param(name, f32(CHANNELS)));
  for (const name of ["first", "second"]) {
    const attrs = { momentum: MOMENTUM, epsilon: EPSILON };
    const node = builder.node("BatchNormalization", [x, ...params], attrs, { name, outputs: [name] });
    x = builder.emit("Tanh", [node.outputs[0]]);
  }
  const graph = builder.build("shared", [x]);
  const target = new Uint8Array(new Float32Array(BATCH * CHANNELS).buffer);
  const feeds = (): Promise<Feeds> =>
    Promise.resolve(
      new Map([
        ["x", new Uint8Array(X.slice().buffer)],
        ["target", target],
      ]),
    );
  return { built: { graph, weights: new Map(Object.entries(START)) }, loss: "mse", task: { ...TINY_MLP.task, feeds } };
}

/** Mean and variances of a channel. */
function statistics(values: readonly number[]): { mean: number; biased: number; unbiased: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, biased: squares / values.length, unbiased: squares / (values.length - 1) };
}

it("gives the statistics of torch, and the same bits on two devices", async () => {
  const options = { microbatches: 1, steps: 1, optimizer: { ...SGD, learningRate: 0 }, batchNorm: "train" } as const;
  const { weights } = await trained(model(), { ...options, devices: 1 });
  const got = (name: string) => new Float32Array(weights.get(name)!.bytes.slice().buffer);
  for (let channel = 0; channel < CHANNELS; channel++) {
    let values = [...X].filter((_, at) => at % CHANNELS === channel);
    let [mean, variance] = [START["mean"]![channel]!, START["variance"]![channel]!];
    for (let time = 0; time < 2; time++) {
      const own = statistics(values);
      mean = MOMENTUM * mean + (1 - MOMENTUM) * own.mean;
      variance = MOMENTUM * variance + (1 - MOMENTUM) * own.unbiased;
      const factor = START["scale"]![channel]! / Math.sqrt(own.biased + EPSILON);
      values = values.map((value) => Math.tanh((value - own.mean) * factor + START["bias"]![channel]!));
    }
    expect(got("mean")[channel]).toBeCloseTo(mean, 5);
    expect(got("variance")[channel]).toBeCloseTo(variance, 5);
  }
  const several = { ...options, microbatches: 3, steps: 2, optimizer: SGD };
  const alone = await trained(model(), { ...several, devices: 1 });
  const two = await trained(model(), { ...several, devices: 2 });
  expect(two.digest).toBe(alone.digest);
});
