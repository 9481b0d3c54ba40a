/** @file Random ops, and dropout. */
import { PipewrightError } from "../errors.js";
import type { TensorType } from "../ir/graph.js";
import { literalNumbers } from "../ir/literal.js";
import type { NoGradient, OpDef, Operand } from "./define.js";
import { float, int, ints, required } from "./define.js";
import { elementTypeOf } from "./element-type.js";
import { mismatch, typeAt } from "./shape.js";
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

export const random: { readonly [K in keyof RandomAttrs]: OpDef<K> } = {
  RandomUniform: {
    attributes: { dtype: int(1), shape: required(ints()), low: float(0), high: float(1), seed: float() },
    infer: (_x, { dtype, shape }) => [{ dtype: elementTypeOf(dtype), shape }],
    work: perElement(10),
    grad: none,
  },
  RandomNormal: {
    attributes: { dtype: int(1), shape: required(ints()), mean: float(0), scale: float(1), seed: float() },
    infer: (_x, { dtype, shape }) => [{ dtype: elementTypeOf(dtype), shape }],
    work: perElement(10),
    grad: none,
  },
  RandomUniformLike: {
    attributes: { dtype: int(), low: float(0), high: float(1), seed: float() },
    infer: inferLike,
    work: perElement(10),
    grad: none,
  },
  RandomNormalLike: {
    attributes: { dtype: int(), mean: float(0), scale: float(1), seed: float() },
    infer: inferLike,
    work: perElement(10),
    grad: none,
  },
  Bernoulli: { attributes: { dtype: int(), seed: float() }, infer: inferLike, work: perElement(10), grad: none },
  Multinomial: {
    attributes: { dtype: int(6), sample_size: int(1), seed: float() },
    infer: (x, { dtype, sample_size }) => {
      const { shape } = typeAt(x, 0);
      if (shape.length !== 2) throw mismatch(`input 0 has ${shape.length} axes; expected [batch, classes].`);
      return [{ dtype: elementTypeOf(dtype), shape: [shape[0]!, sample_size] }];
    },
    work: perElement(10),
    grad: none,
  },
  // The identity in inference. In training the mask would have to be the same in the forward and the backward run.
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
  },
};
