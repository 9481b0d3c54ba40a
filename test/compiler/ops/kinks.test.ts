/** @file Gradients where no derivative exists: the choices are torch's. */
import { afterAll, expect, test } from "vitest";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { int64s, literal } from "../../contract/op-samples/sample.js";
import type { OpSample } from "../../contract/op-samples/sample.js";
import { gradientsAt, vector } from "../../support/op-at.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

const lowerBound = literal("float32", [], [-1]);
const upperBound = literal("float32", [], [2]);

const cases: readonly [string, OpSample, readonly (readonly number[])[]][] = [
  ["|x| is flat at 0", { op: "Abs", inputs: [vector(-2, 0, 3)] }, [[-1, 0, 1]]],
  ["relu is flat at 0", { op: "Relu", inputs: [vector(-1, 0, 1)] }, [[0, 0, 1]]],
  ["leaky relu leaks at 0", { op: "LeakyRelu", attrs: { alpha: 0.5 }, inputs: [vector(-1, 0, 1)] }, [[0.5, 0.5, 1]]],
  ["elu has alpha at 0", { op: "Elu", attrs: { alpha: 0.5 }, inputs: [vector(0, 1)] }, [[0.5, 1]]],
  ["celu has 1 at 0", { op: "Celu", attrs: { alpha: 0.5 }, inputs: [vector(0, 1)] }, [[1, 1]]],
  [
    "prelu takes its slope at 0",
    { op: "PRelu", inputs: [vector(0, 2), vector(0.25, 0.25)] },
    [
      [0.25, 1],
      [0, 0],
    ],
  ],
  ["thresholded relu is flat at its threshold", { op: "ThresholdedRelu", inputs: [vector(1, 1.5)] }, [[0, 1]]],
  [
    "hard sigmoid is flat at both ends",
    { op: "HardSigmoid", attrs: { alpha: 0.25 }, inputs: [vector(-2, 0, 2)] },
    [[0, 0.25, 0]],
  ],
  [
    "hard swish has its middle slope at both ends",
    { op: "HardSwish", inputs: [vector(-3, 3, -4, 4)] },
    [[-0.5, 1.5, 0, 1]],
  ],
  ["shrink is flat at its ends", { op: "Shrink", inputs: [vector(-0.5, 0.5, 0.75)] }, [[0, 0, 1]]],
  [
    "clip passes the gradient at its bounds",
    { op: "Clip", inputs: [vector(-2, -1, 0, 2, 3), lowerBound, upperBound] },
    [[0, 1, 1, 1, 0]],
  ],
  [
    "clip gives crossed bounds to the upper one",
    { op: "Clip", inputs: [vector(-2, 0, 3), vector(1), vector(-1)] },
    [[0, 0, 0], [0], [3]],
  ],
  [
    "clip gives each bound what it cuts off",
    { op: "Clip", inputs: [vector(-2, -1, 0, 1, 3), vector(-1), vector(1)] },
    [[0, 1, 1, 1, 0], [1], [1]],
  ],
  [
    "two equal maxima halve",
    { op: "Max", inputs: [vector(1, 2, 3), vector(1, 3, 2)] },
    [
      [0.5, 0, 1],
      [0.5, 1, 0],
    ],
  ],
  [
    "three equal minima halve from the right",
    { op: "Min", inputs: [vector(1), vector(1), vector(1)] },
    [[0.25], [0.25], [0.5]],
  ],
  [
    "equal maxima of an axis share evenly",
    { op: "ReduceMax", inputs: [vector(3, 1, 3, 3)] },
    [[1 / 3, 0, 1 / 3, 1 / 3]],
  ],
  ["equal minima of an axis share evenly", { op: "ReduceMin", inputs: [vector(3, 1, 1)] }, [[0, 0.5, 0.5]]],
  ["a norm of 0 is flat", { op: "ReduceL2", inputs: [vector(0, 0)] }, [[0, 0]]],
  ["a sum of magnitudes is flat at 0", { op: "ReduceL1", inputs: [vector(0, -2)] }, [[0, -1]]],
  ["one zero factor takes the whole gradient", { op: "ReduceProd", inputs: [vector(2, 0, 3)] }, [[0, 6, 0]]],
  ["two zero factors leave none", { op: "ReduceProd", inputs: [vector(0, 0, 3), int64s(0)] }, [[0, 0, 0]]],
  ["a power of 0 is flat at 0", { op: "Pow", inputs: [vector(0, 2), literal("float32", [], [0])] }, [[0, 0]]],
  [
    "0 to a power does not depend on it",
    { op: "Pow", inputs: [vector(0, 0), vector(1.5, 0)] },
    [
      [0, 0],
      [0, 0],
    ],
  ],
  [
    "mod counts whole divisors",
    { op: "Mod", attrs: { fmod: 1 }, inputs: [vector(-7.5, 7.5), vector(2, 2)] },
    [
      [1, 1],
      [3, -3],
    ],
  ],
];

test.each(cases)("%s", (_name, sample, expected) => {
  const found = gradientsAt(engine, sample);
  expect(found).toHaveLength(expected.length);
  for (const [index, gradient] of expected.entries()) {
    for (const [at, number] of gradient.entries()) expect(found[index]![at]).toBeCloseTo(number, 6);
  }
});

test("saturated and extreme inputs stay finite", () => {
  for (const op of ["Sigmoid", "Tanh", "Softplus", "Mish", "Gelu", "Softsign", "LogSoftmax", "Softmax"] as const) {
    const [gradient] = gradientsAt(engine, { op, inputs: [vector(-200, 0, 200)] } as OpSample, [1, 2, 3]);
    expect(gradient!.every(Number.isFinite), op).toBe(true);
  }
});
