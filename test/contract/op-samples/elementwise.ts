/** @file Samples of elementwise ops. */
import type { OpSample } from "./sample.js";
import { floats, integers, literal } from "./sample.js";

const bools = { dtype: "bool", shape: [2, 3], least: 0, most: 1 } as const;
const whole = integers("int64", [2, 3], -9, 9);

const differentiable: readonly OpSample[] = [
  ...(["Abs", "Neg", "Exp", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh", "Erf", "Identity"] as const).map(
    (op): OpSample => ({ op, inputs: [floats([2, 3], -1.4, 1.4)] }),
  ),
  ...(["Log", "Sqrt", "Reciprocal"] as const).map((op): OpSample => ({ op, inputs: [floats([2, 3], 0.3, 3)] })),
  ...(["Asin", "Acos", "Atanh"] as const).map((op): OpSample => ({ op, inputs: [floats([2, 3], -0.7, 0.7)] })),
  { op: "Acosh", inputs: [floats([2, 3], 1.2, 4)] },
  ...(["Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Mish", "HardSwish"] as const).flatMap((op): OpSample[] => [
    { op, inputs: [floats([2, 3], -4, 4)] },
    { op, of: "a scalar", inputs: [floats([], 0.5, 2)] },
    { op, of: "nothing", inputs: [floats([2, 0])] },
  ]),
  { op: "Gelu", inputs: [floats([2, 3])] },
  { op: "Gelu", of: "tanh", attrs: { approximate: "tanh" }, inputs: [floats([2, 3])] },
  ...(["LeakyRelu", "Elu", "Celu"] as const).flatMap((op): OpSample[] => [
    { op, inputs: [floats([4, 3])] },
    { op, of: "alpha 0.3", attrs: { alpha: 0.3 }, inputs: [floats([4, 3])] },
    { op, of: "alpha -0.4", attrs: { alpha: -0.4 }, inputs: [floats([4, 3], -0.7, 0.7)] },
  ]),
  { op: "Selu", inputs: [floats([4, 3])] },
  { op: "Selu", of: "alpha -1", attrs: { alpha: -1, gamma: 2 }, inputs: [floats([4, 3])] },
  { op: "Selu", of: "gamma -2", attrs: { alpha: 1, gamma: -2 }, inputs: [floats([4, 3])] },
  { op: "ThresholdedRelu", inputs: [floats([4, 3], -2, 3)] },
  { op: "ThresholdedRelu", of: "alpha -1", attrs: { alpha: -1 }, inputs: [floats([4, 3])] },
  { op: "HardSigmoid", inputs: [floats([4, 3], -4, 4)] },
  { op: "HardSigmoid", of: "falling", attrs: { alpha: -0.3, beta: 0.2 }, inputs: [floats([4, 3], -4, 4)] },
  { op: "Shrink", isSingle: true, attrs: { bias: 0.2, lambd: 0.6 }, inputs: [floats([4, 3])] },
  { op: "PRelu", inputs: [floats([2, 3, 4]), floats([3, 1], 0.1, 1)] },
  { op: "PRelu", of: "one slope", inputs: [floats([2, 3, 4]), floats([1], -1, 1)] },
  { op: "Clip", inputs: [floats([4, 3])] },
  {
    op: "Clip",
    of: "constant bounds",
    inputs: [floats([4, 3]), literal("float32", [], [-0.7]), literal("float32", [], [1])],
  },
  { op: "Clip", of: "computed bounds", inputs: [floats([4, 3]), floats([], -1, -0.5), floats([], 0.5, 1)] },
  { op: "Clip", of: "upper bound", inputs: [floats([4, 3]), undefined, floats([], 0.5, 1)] },
  { op: "Clip", of: "crossed bounds", inputs: [floats([4, 3]), floats([], 0.5, 1), floats([], -1, -0.5)] },
  { op: "Dropout", of: "inference", outputs: 2, inputs: [floats([2, 3])] },
  ...(["Add", "Sub", "Mul", "Min", "Max"] as const).flatMap((op): OpSample[] => [
    { op, inputs: [floats([2, 3]), floats([2, 3])] },
    { op, of: "both broadcast", inputs: [floats([3, 1]), floats([2, 1, 4])] },
    { op, of: "a scalar", inputs: [floats([]), floats([2, 3])] },
    { op, of: "nothing", inputs: [floats([0, 1, 2]), floats([3, 1])] },
  ]),
  { op: "Div", inputs: [floats([3, 1]), floats([2, 1, 4], 0.5, 2)] },
  { op: "Pow", inputs: [floats([3, 1], 0.4, 2), floats([2, 1, 4])] },
  ...[-1, 0, 0.5, 1, 2, 3].map((exponent): OpSample => ({
    op: "Pow",
    of: `exponent ${exponent}`,
    inputs: [floats([2, 3], 0.4, 2), literal("float32", [], [exponent])],
  })),
  { op: "Pow", of: "integer exponents", inputs: [floats([2, 3], 0.4, 2), integers("int64", [3], -2, 3)] },
  { op: "Mod", attrs: { fmod: 1 }, inputs: [floats([3, 1], -9, 9), floats([2, 1, 4], 1.5, 3)] },
  ...(["Sum", "Mean", "Min", "Max"] as const).flatMap((op): OpSample[] => [
    { op, of: "three", inputs: [floats([2, 3]), floats([3]), floats([2, 1])] },
    { op, of: "four", inputs: [floats([3]), floats([2, 1]), floats([2, 3]), floats([])] },
    { op, of: "one", inputs: [floats([2, 3])] },
  ]),
  { op: "Where", inputs: [{ ...bools, shape: [3] }, floats([2, 3]), floats([2, 1])] },
  { op: "Cast", of: "double", attrs: { to: 11 }, inputs: [floats([2, 3])] },
  { op: "CastLike", inputs: [floats([2, 3]), floats([1])] },
];

const constant: readonly OpSample[] = [
  ...(["Ceil", "Floor", "Round", "Sign", "IsNaN", "IsInf"] as const).map((op): OpSample => ({
    op,
    inputs: [floats([2, 3])],
  })),
  { op: "IsInf", of: "one sign", attrs: { detect_negative: 0 }, inputs: [floats([2, 3])] },
  { op: "Not", inputs: [bools] },
  { op: "BitwiseNot", inputs: [whole] },
  ...(["And", "Or", "Xor"] as const).map((op): OpSample => ({ op, inputs: [bools, { ...bools, shape: [3] }] })),
  ...(["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"] as const).flatMap((op): OpSample[] => [
    { op, inputs: [floats([2, 3]), floats([3])] },
    { op, of: "integers", inputs: [whole, integers("int64", [2, 1], -9, 9)] },
  ]),
  ...(["BitwiseAnd", "BitwiseOr", "BitwiseXor"] as const).map((op): OpSample => ({ op, inputs: [whole, whole] })),
  ...(["LEFT", "RIGHT"] as const).map((direction): OpSample => ({
    op: "BitShift",
    of: direction,
    attrs: { direction },
    inputs: [integers("uint32", [2, 3], 0, 99), integers("uint32", [3], 0, 4)],
  })),
  { op: "Mod", of: "integers", inputs: [whole, integers("int64", [3], 1, 4)] },
  { op: "Cast", of: "integers", attrs: { to: 7 }, inputs: [floats([2, 3], -9, 9)] },
];

export const elementwiseSamples: readonly OpSample[] = [...differentiable, ...constant];
