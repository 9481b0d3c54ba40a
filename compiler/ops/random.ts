/** @file Random ops, and dropout. */
import { PipewrightError } from "../errors.js";
import type { DType, TensorType, Value } from "../ir/graph.js";
import { literalNumbers } from "../ir/literal.js";
import type { DrawUse, Emitter, NoGradient, OpDef, Operand } from "./define.js";
import { float, int, ints, required } from "./define.js";
import { elementTypeCode, elementTypeOf } from "./element-type.js";
import { reshape } from "./emission.js";
import { add, mul, neg, select } from "./expression.js";
import { mismatch, numbersAt, typeAt } from "./shape.js";
import { perElement } from "./work.js";

interface Seeded {
  readonly seed?: number;
}

export interface RandomAttrs {
  RandomUniform: Seeded & {
    readonly dtype: number;
    readonly shape: readonly number[];
    readonly low: number;
    readonly high: number;
  };
  RandomNormal: Seeded & {
    readonly dtype: number;
    readonly shape: readonly number[];
    readonly mean: number;
    readonly scale: number;
  };
  RandomUniformLike: Seeded & { readonly dtype?: number; readonly low: number; readonly high: number };
  RandomNormalLike: Seeded & { readonly dtype?: number; readonly mean: number; readonly scale: number };
  Bernoulli: Seeded & { readonly dtype?: number };
  Multinomial: Seeded & { readonly dtype: number; readonly sample_size: number };
  Dropout: { readonly seed?: number };
}

const none: NoGradient = { none: "random numbers do not depend differentiably on anything" };

/** Shape rule: the shape of the input, and its element type unless `dtype` says otherwise. */
function inferLike(x: readonly (Operand | undefined)[], { dtype }: { readonly dtype?: number }): readonly TensorType[] {
  const type = typeAt(x, 0);
  return [{ dtype: dtype === undefined ? type.dtype : elementTypeOf(dtype), shape: type.shape }];
}

/** True when dropout passes its input on: no training mode, or a ratio of 0. */
function isIdentity([, ratio, training]: readonly (Operand | undefined)[]): boolean {
  if (!training) return true;
  if (training.literal && literalNumbers(training.literal)[0] === 0) return true;
  return ratio?.literal !== undefined && literalNumbers(ratio.literal)[0] === 0;
}

/** Uniform in the open interval (0, 1): the upper 24 bits, as many as a float32 holds. */
function uniform(b: Emitter, bits: Value): Value {
  const upper = b.emit("BitShift", [bits, b.scalar(8, "uint32")], { direction: "RIGHT" });
  return mul(b, add(b, castTo(b, upper, "float32"), 0.5), 2 ** -24);
}

function log(b: Emitter, x: Value): Value {
  return b.emit("Log", [x]);
}

function castTo(b: Emitter, x: Value, dtype: DType): Value {
  return x.type.dtype === dtype ? x : b.emit("Cast", [x], { to: elementTypeCode(dtype) });
}

function drawUniform(
  b: Emitter,
  { y, bits, attrs: { low, high } }: DrawUse<"RandomUniform" | "RandomUniformLike">,
): readonly Value[] {
  const drawn = add(b, mul(b, uniform(b, bits(y[0]!.shape)), high - low), low);
  return [castTo(b, drawn, y[0]!.dtype)];
}

/** By Box and Muller's transform (1958). */
function drawNormal(
  b: Emitter,
  { y, bits, attrs: { mean, scale } }: DrawUse<"RandomNormal" | "RandomNormalLike">,
): readonly Value[] {
  const { shape, dtype } = y[0]!;
  const radius = b.emit("Sqrt", [mul(b, log(b, uniform(b, bits(shape))), -2)]);
  const angle = b.emit("Cos", [mul(b, uniform(b, bits(shape)), 2 * Math.PI)]);
  return [castTo(b, add(b, mul(b, mul(b, radius, angle), scale), mean), dtype)];
}

export const random: { readonly [K in keyof RandomAttrs]: OpDef<K> } = {
  RandomUniform: {
    attributes: { dtype: int(1), shape: required(ints()), low: float(0), high: float(1), seed: float() },
    infer: (_x, { dtype, shape }) => [{ dtype: elementTypeOf(dtype), shape }],
    work: perElement(10),
    grad: none,
    draw: drawUniform,
  },
  RandomNormal: {
    attributes: { dtype: int(1), shape: required(ints()), mean: float(0), scale: float(1), seed: float() },
    infer: (_x, { dtype, shape }) => [{ dtype: elementTypeOf(dtype), shape }],
    work: perElement(10),
    grad: none,
    draw: drawNormal,
  },
  RandomUniformLike: {
    attributes: { dtype: int(), low: float(0), high: float(1), seed: float() },
    infer: inferLike,
    work: perElement(10),
    grad: none,
    draw: drawUniform,
  },
  RandomNormalLike: {
    attributes: { dtype: int(), mean: float(0), scale: float(1), seed: float() },
    infer: inferLike,
    work: perElement(10),
    grad: none,
    draw: drawNormal,
  },
  Bernoulli: {
    attributes: { dtype: int(), seed: float() },
    infer: inferLike,
    work: perElement(10),
    grad: none,
    draw: (b, { x: [p], y: [y], bits }) => [
      castTo(b, b.emit("Less", [uniform(b, bits(y!.shape)), castTo(b, p!, "float32")]), y!.dtype),
    ],
  },
  Multinomial: {
    attributes: { dtype: int(6), sample_size: int(1), seed: float() },
    infer: (x, { dtype, sample_size }) => {
      const { shape } = typeAt(x, 0);
      if (shape.length !== 2) throw mismatch(`input 0 has ${shape.length} axes; expected [batch, classes].`);
      return [{ dtype: elementTypeOf(dtype), shape: [shape[0]!, sample_size] }];
    },
    work: perElement(10),
    grad: none,
    // The largest of log-probabilities with Gumbel noise is a draw from their softmax (Gumbel 1954).
    draw: (b, { x: [x], y, bits, attrs: { sample_size } }) => {
      const [batch, classes] = x!.type.shape as readonly [number, number];
      const scores = reshape(b, castTo(b, x!, "float32"), [batch, 1, classes]);
      const noise = neg(b, log(b, neg(b, log(b, uniform(b, bits([batch, sample_size, classes]))))));
      const drawn = b.emit("ArgMax", [add(b, scores, noise)], { axis: 2, keepdims: 0 });
      return [castTo(b, drawn, y[0]!.dtype)];
    },
  },
  // The identity in inference. In training `draw` takes its place, so that forward and backward run see one mask.
  Dropout: {
    attributes: { seed: int() },
    infer: (x) => {
      const type = typeAt(x, 0);
      return [type, { dtype: "bool", shape: type.shape }];
    },
    work: perElement(1),
    grad: (_b, { x, dy: [dy] }) => {
      if (isIdentity(x)) return [dy];
      throw new PipewrightError(
        "MODEL_UNSUPPORTED",
        "Dropout in training mode draws its mask inside the engine, where no other run can repeat it. Set training_mode to false or the ratio to 0.",
      );
    },
    draw: (b, { x, bits }) => {
      if (isIdentity(x)) return undefined;
      // Only a mode that is known to be on gets here.
      numbersAt(x, 2);
      const ratio = x[1] ? numbersAt(x, 1)[0]! : 0.5;
      if (ratio < 0 || ratio >= 1) throw mismatch(`the ratio is ${ratio}; expected at least 0 and below 1.`);
      const threshold = b.scalar(Math.round(ratio * 2 ** 32), "uint32");
      const mask = b.emit("GreaterOrEqual", [bits(x[0]!.type.shape), threshold]);
      return [select(b, mask, mul(b, x[0]!, 1 / (1 - ratio)), 0), mask];
    },
  },
};
