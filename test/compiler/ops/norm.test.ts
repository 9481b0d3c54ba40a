/** @file Normalizations: what they keep for the backward pass, their gradients, refusals. */
import { afterAll, expect, test } from "vitest";
import { sampleGraph } from "../../contract/op-samples/run.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import type { OpSample } from "../../contract/op-samples/sample.js";
import { floats } from "../../contract/op-samples/sample.js";
import { gradientsAt } from "../../support/op-at.js";
import { gradientText, refusalOf, typesOf } from "../../support/op-text.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

test("layer normalization keeps its statistics, so that the backward pass need not compute them again", () => {
  const sample: OpSample = {
    op: "LayerNormalization",
    attrs: { axis: 1 },
    inputs: [floats([2, 3, 4]), floats([3, 4])],
  };
  expect(typesOf(sample)).toEqual(["float32[2,3,4]", "float32[2,1,1]", "float32[2,1,1]"]);
  expect(gradientText(sample)).toMatchInlineSnapshot(`
    "
    Reshape_1_0 = Reshape(x0, {1, 2, 12}) allowzero=0 : float32[1,2,12]
    Reshape_2_0 = Reshape(LayerNormalization_0_1, {2}) allowzero=0 : float32[2]
    Neg_3_0 = Neg(Reshape_2_0) : float32[2]
    BatchNormalization_4_0 = BatchNormalization(Reshape_1_0, {1, 1}, Neg_3_0, {0, 0}, {1, 1}) epsilon=0 momentum=0.9 training_mode=0 : float32[1,2,12]
    Reshape_5_0 = Reshape(LayerNormalization_0_2, {2}) allowzero=0 : float32[2]
    Reshape_6_0 = Reshape(dy, {1, 2, 12}) allowzero=0 : float32[1,2,12]
    Mul_7_0 = Mul(Reshape_6_0, BatchNormalization_4_0) : float32[1,2,12]
    Reshape_8_0 = Reshape(dy, {2, 12}) allowzero=0 : float32[2,12]
    Reshape_9_0 = Reshape(x1, {12, 1}) allowzero=0 : float32[12,1]
    MatMul_10_0 = MatMul(Reshape_8_0, Reshape_9_0) : float32[2,1]
    Reshape_11_0 = Reshape(MatMul_10_0, {2}) allowzero=0 : float32[2]
    Reshape_12_0 = Reshape(Mul_7_0, {2, 12}) allowzero=0 : float32[2,12]
    Reshape_13_0 = Reshape(x1, {12, 1}) allowzero=0 : float32[12,1]
    MatMul_14_0 = MatMul(Reshape_12_0, Reshape_13_0) : float32[2,1]
    Reshape_15_0 = Reshape(MatMul_14_0, {2}) allowzero=0 : float32[2]
    Mul_16_0 = Mul(dy, x1) : float32[2,3,4]
    Reshape_17_0 = Reshape(Mul_16_0, {1, 2, 12}) allowzero=0 : float32[1,2,12]
    Mul_18_0 = Mul(Reshape_5_0, Reshape_5_0) : float32[2]
    Mul_19_0 = Mul(Reshape_5_0, Mul_18_0) : float32[2]
    Mul_20_0 = Mul(Mul_19_0, Reshape_15_0) : float32[2]
    Mul_21_0 = Mul(Mul_20_0, -0.0833333358168602) : float32[2]
    Mul_22_0 = Mul(Reshape_5_0, Reshape_11_0) : float32[2]
    Mul_23_0 = Mul(Mul_22_0, -0.0833333358168602) : float32[2]
    BatchNormalization_24_0 = BatchNormalization(Reshape_17_0, Reshape_5_0, Mul_23_0, {0, 0}, {1, 1}) epsilon=0 momentum=0.9 training_mode=0 : float32[1,2,12]
    BatchNormalization_25_0 = BatchNormalization(BatchNormalization_4_0, Mul_21_0, {0, 0}, {0, 0}, {1, 1}) epsilon=0 momentum=0.9 training_mode=0 : float32[1,2,12]
    Reshape_26_0 = Reshape(BatchNormalization_24_0, {2, 3, 4}) allowzero=0 : float32[2,3,4]
    Reshape_27_0 = Reshape(BatchNormalization_25_0, {2, 3, 4}) allowzero=0 : float32[2,3,4]
    Add_28_0 = Add(Reshape_26_0, Reshape_27_0) : float32[2,3,4]
    Reshape_29_0 = Reshape(Reshape_5_0, {1, 2}) allowzero=0 : float32[1,2]
    Reshape_30_0 = Reshape(Mul_7_0, {2, 12}) allowzero=0 : float32[2,12]
    MatMul_31_0 = MatMul(Reshape_29_0, Reshape_30_0) : float32[1,12]
    Reshape_32_0 = Reshape(MatMul_31_0, {12}) allowzero=0 : float32[12]
    Reshape_33_0 = Reshape(Reshape_32_0, {3, 4}) allowzero=0 : float32[3,4]
    dx0 = Add_28_0
    dx1 = Reshape_33_0
    "
  `);
});

test("batch normalization in training gives running statistics too", () => {
  const perChannel = [floats([3]), floats([3]), floats([3]), floats([3])];
  const sample: OpSample = {
    op: "BatchNormalization",
    attrs: { training_mode: 1 },
    inputs: [floats([2, 3, 4]), ...perChannel],
    outputs: 3,
  };
  expect(typesOf(sample)).toEqual(["float32[2,3,4]", "float32[3]", "float32[3]"]);
  expect(() => sampleGraph({ ...sample, attrs: {} })).toThrow(/too many outputs; got 3, expected at most 1/);
});

const normalized = (numbers: readonly number[], epsilon: number): OpSample => ({
  op: "InstanceNormalization",
  attrs: { epsilon },
  inputs: [
    { ...floats([1, 1, numbers.length]), numbers },
    { ...floats([1]), numbers: [1] },
    { ...floats([1]), numbers: [0] },
  ],
});

test("equal elements have a finite gradient", () => {
  const [dx] = gradientsAt(engine, normalized([2, 2, 2, 2], 1e-5), [1, 0, 0, -1]);
  for (const [at, number] of [1, 0, 0, -1].entries()) expect(dx![at]).toBeCloseTo(number / Math.sqrt(1e-5), 2);
  const zero = { ...floats([1, 2]), numbers: [0, 0] };
  expect(gradientsAt(engine, { op: "LpNormalization", inputs: [zero] }, [1, 2])).toEqual([[0, 0]]);
});

test("a large mean costs no more precision than it has to", () => {
  const small = [0.125, -0.25, 0.375, 0.5];
  const [near] = gradientsAt(engine, normalized(small, 1e-2), [1, 2, 3, 5]);
  const [far] = gradientsAt(
    engine,
    normalized(
      small.map((number) => number + 1024),
      1e-2,
    ),
    [1, 2, 3, 5],
  );
  for (const [at, number] of near!.entries()) expect(far![at]).toBeCloseTo(number, 4);
});

test.each<[string, OpSample, string]>([
  [
    "a scale of another size",
    { op: "LayerNormalization", inputs: [floats([2, 4]), floats([3])] },
    "node LayerNormalization_0 (LayerNormalization): shapes [3] and [4] do not broadcast: axis -1 has 3 and 4.",
  ],
  [
    "an axis outside",
    { op: "LayerNormalization", attrs: { axis: 2 }, inputs: [floats([2, 4]), floats([4])] },
    "node LayerNormalization_0 (LayerNormalization): axis 2 is outside a tensor of 2 axes.",
  ],
  [
    "statistics per row",
    { op: "InstanceNormalization", inputs: [floats([2, 3, 4]), floats([3]), floats([2])] },
    "node InstanceNormalization_0 (InstanceNormalization): input 2 is not per channel; got [2], expected [3].",
  ],
  [
    "groups that do not divide",
    { op: "GroupNormalization", attrs: { num_groups: 2 }, inputs: [floats([2, 3, 4]), floats([3]), floats([3])] },
    'node GroupNormalization_0 (GroupNormalization): attribute "num_groups" is 2; expected a divisor of the 3 channels.',
  ],
  [
    "a third norm",
    { op: "LpNormalization", attrs: { p: 3 }, inputs: [floats([2])] },
    'node LpNormalization_0 (LpNormalization): attribute "p" is 3; expected 1 or 2.',
  ],
  [
    "no neighbours",
    { op: "LRN", attrs: { size: 0 }, inputs: [floats([1, 2, 3])] },
    'node LRN_0 (LRN): attribute "size" is 0; expected at least 1.',
  ],
])("%s is refused", (_name, sample, message) => {
  expect(refusalOf(sample)).toBe(message);
});
